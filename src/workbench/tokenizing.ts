import type { OnProgress } from '../shared/progress'
import type { CallScope } from './handler'

/** Tells the window which text is tokenized, how long it is, and how far that is. */
export const tokenizing =
  (progress: CallScope['progress']): OnProgress =>
  (done, total, text) =>
    progress({ done, total, label: `Tokenizing ${text?.name ?? 'the text'}`, ...(text && { bytes: text.bytes }) })
