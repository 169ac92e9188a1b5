/** What transformers writes of a model around a text model: the names of the text model's tensors, and the other parts. */
export interface WrittenParts {
  /** Beginnings of names in files, by the beginning of a module's name; others are written as modules are called. */
  readonly text: Readonly<Record<string, string>>
  /** How the names of the other parts begin, as they are written. */
  readonly others: readonly string[]
  /** How names of the other parts are written, by other beginnings that they have in checkpoints. */
  readonly renamed?: Readonly<Record<string, string>>
  /** How names begin of what transformers leaves unread. */
  readonly unread?: readonly string[]
}
