import type { OpenChannel } from './tokenizerChannel'
import { type HelperOptions, TokenizerHelper } from './tokenizerHelper'
import type { TokenizerApi, TokenizerMethod } from './tokenizerProtocol'

let helper: TokenizerHelper | undefined

/** From now on this thread has tokenizers work in a process of their own. @param open - starts it */
export function tokenizeApart(open: OpenChannel): void {
  helper = new TokenizerHelper(open)
}

/** Has the helper do something; where there is none, it is done here. @throws {AppError} as `TokenizerHelper.call` */
export const apart = <M extends TokenizerMethod>(
  method: M,
  input: TokenizerApi[M]['input'],
  here: () => Promise<TokenizerApi[M]['output']>,
  options: HelperOptions = {}
): Promise<TokenizerApi[M]['output']> => (helper === undefined ? here() : helper.call(method, input, options))

/** Ends the helper where nothing more will be asked of it soon: what it keeps is found again. */
export const tokenizedEnough = (): void => helper?.rest()
