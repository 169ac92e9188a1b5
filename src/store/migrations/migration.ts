/** One step of the schema; its position in the list, from 1, is the schema version that it leads to. */
export interface Migration {
  readonly name: string
  /** Run in order in one transaction, with foreign keys checked at its end. */
  readonly statements: readonly string[]
}
