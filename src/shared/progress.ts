/** A text that is worked on. */
export interface TextInWork {
  readonly name: string
  readonly bytes: number
}

/** Told of long work: what is done of how much, null where that is not known, and on which text. */
export type OnProgress = (done: number, total: number | null, text?: TextInWork) => void
