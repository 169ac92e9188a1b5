import { badInput } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import { isTokenId, quoted } from './gpt2Files'
import type { TokenizerDefinition } from './preTokens'

/**
 * Checks the lists of a tokenizer.json that the tokenizers library takes as they are: vocabulary, merges, added tokens.
 *
 * @throws {AppError} BAD_INPUT, naming the file, what was found and what was expected
 */
export function assertDefinition({ model, added_tokens }: TokenizerDefinition, path: string): void {
  const { vocab, merges } = model
  if (Array.isArray(vocab)) assertAll(vocab, isScoredPiece, `${path}: vocab`, 'a token with its score')
  else if (isRecord(vocab)) assertAll(Object.entries(vocab), hasTokenId, `${path}: vocab`, 'a token with its id')
  else throw badInput(`${path}: vocab is ${quoted(vocab)}, the tokens of the model were expected`)
  if (Array.isArray(merges)) assertAll(merges, isMerge, `${path}: merges`, 'a pair of tokens')
  else if (merges !== undefined) throw badInput(`${path}: merges is ${quoted(merges)}, a list was expected`)
  assertAll(added_tokens ?? [], isAddedToken, `${path}: added_tokens`, 'a token with content and id')
}

function assertAll(list: readonly unknown[], isRight: (item: unknown) => boolean, where: string, expected: string) {
  const wrong = list.find((item) => !isRight(item)) // JSON has no undefined
  if (wrong !== undefined) throw badInput(`${where} holds ${quoted(wrong)}, ${expected} was expected`)
}

const isScoredPiece = (item: unknown): boolean =>
  Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && Number.isFinite(item[1])

const hasTokenId = (item: unknown): boolean => Array.isArray(item) && isTokenId(item[1])

const isMerge = (item: unknown): boolean =>
  typeof item === 'string' ||
  (Array.isArray(item) && item.length === 2 && item.every((token) => typeof token === 'string'))

const isAddedToken = (item: unknown): boolean =>
  isRecord(item) && typeof item.content === 'string' && item.content !== '' && isTokenId(item.id)
