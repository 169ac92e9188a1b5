import type { SerializedError } from '../../shared/errors'
import type { TokenizerFacts } from '../../shared/inspection'
import type { TextInWork } from '../../shared/progress'
import type { PreviewRequest, TokenPreview } from '../../shared/tokenPreview'
import type { TokenRows } from '../calibration/rows'
import type { WorkClock } from '../formats/workWatch'
import type { Problem } from './problems'
import type { TokenizedTexts, TokenizeRequest } from './tokenRequests'

/*
 * What crosses to the process in which tokenizers work and back; see tokenizerHelper.ts. Each request is answered by
 * any number of `progress`, and then by one `done` or `failed`.
 */

/** A text that could not be used, with the error that said so. */
export interface FoundProblem {
  readonly problem: Problem
  readonly error?: SerializedError | undefined
}

export interface TokenizerApi {
  readonly facts: { input: { readonly model: string }; output: TokenizerFacts }
  readonly tokenize: {
    /** @param first - ends with the first problem: whoever asks would throw it */
    input: TokenizeRequest & { readonly first: boolean }
    output: { readonly tokenized: Omit<TokenizedTexts, 'cutCalibration'>; readonly problems: readonly FoundProblem[] }
  }
  readonly cut: { input: TokenizeRequest & { readonly rows: number; readonly draw: number }; output: TokenRows }
  readonly preview: { input: PreviewRequest; output: TokenPreview }
}

export type TokenizerMethod = keyof TokenizerApi

export type ToTokenizer = {
  [M in TokenizerMethod]: { readonly id: number; readonly method: M; readonly input: TokenizerApi[M]['input'] }
}[TokenizerMethod]

export type FromTokenizer =
  /** The first of all. */
  | { readonly kind: 'started'; readonly clock: WorkClock }
  | {
      readonly kind: 'progress'
      readonly id: number
      readonly done: number
      readonly total: number | null
      readonly text?: TextInWork | undefined
    }
  | { readonly kind: 'done'; readonly id: number; readonly output: TokenizerApi[TokenizerMethod]['output'] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SerializedError }
  /** It has taken more memory than what it works on is worth, and does nothing more. */
  | { readonly kind: 'tooLarge'; readonly bytes: number }
