import { badInput } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import { MAX_JSON_DEPTH } from '../formats/limits'
import { isSoundCharsMap } from './charsMap'
import { isTokenId, quoted } from './gpt2Files'
import { explosivePart } from './regexShape'
import type { NumberedToken } from './specialTokens'

/** tokenizer.json, as far as it is looked at here. */
export interface TokenizerDefinition {
  readonly normalizer?: unknown
  readonly pre_tokenizer?: unknown
  readonly post_processor?: unknown
  readonly model: Readonly<Record<string, unknown>>
  readonly added_tokens?: readonly unknown[]
  readonly [key: string]: unknown
}

/** The added tokens of a definition that `assertDefinition` has seen. */
export const addedTokensOf = ({ added_tokens = [] }: TokenizerDefinition): readonly NumberedToken[] =>
  added_tokens as readonly NumberedToken[]

/** How much a tokenizer holds: what it takes of memory follows from it. */
export interface TokenizerTables {
  readonly tokens: number
  readonly merges: number
}

export const tablesOf = ({ model: { vocab, merges } }: TokenizerDefinition): TokenizerTables => ({
  tokens: Array.isArray(vocab) ? vocab.length : isRecord(vocab) ? Object.keys(vocab).length : 0,
  merges: Array.isArray(merges) ? merges.length : 0
})

/**
 * Checks everything for which the tokenizers library would end the whole process, as its Python form raises a
 * PanicException, and refuses what makes the ids of a text a matter of chance. All else the library checks itself.
 *
 * @throws {AppError} BAD_INPUT, naming the file, what was found and what was expected
 */
export function assertDefinition({ model, added_tokens, ...parts }: TokenizerDefinition, path: string): void {
  assertModel(model, path)
  assertAll(added_tokens ?? [], isAddedToken, `${path}: added_tokens`, 'a token with content and id')
  assertParts(parts, path, 1)
  for (const [name, key] of CHANGING) assertGrowth(parts[name], key, `${path}: ${name}`)
}

/** What changes texts, and under which key a sequence holds its parts. */
const CHANGING = [
  ['normalizer', 'normalizers'],
  ['decoder', 'decoders']
] as const

/** Characters that may become of one, and that may be put before a text; those in use make up to 3 of one. */
const MAX_GROWTH = 256

/** Replacements one after the other multiply: forty that double a text take all memory. */
function assertGrowth(component: unknown, key: string, where: string): void {
  if (growthOf(component, key) > MAX_GROWTH)
    throw badInput(`${where} may make more than ${MAX_GROWTH} characters of one, which is not supported`)
}

function growthOf(component: unknown, key: string): number {
  if (!isRecord(component)) return 1
  const { type, pattern, content, prepend, [key]: parts } = component
  if (Array.isArray(parts)) return parts.reduce((all: number, part) => all * growthOf(part, key), 1)
  if (typeof prepend === 'string') return Math.max(1, prepend.length / 16)
  if (type !== 'Replace' || typeof content !== 'string') return 1
  const replaced = isRecord(pattern) && typeof pattern.String === 'string' ? pattern.String.length : 1
  return Math.max(1, content.length / Math.max(1, replaced))
}

/** Characters of a word of which WordPiece tries all parts; published models have 100. */
const MAX_WORD = 1000

function assertModel({ vocab, merges, ...model }: TokenizerDefinition['model'], path: string): void {
  if (Array.isArray(vocab)) assertAll(vocab, isScoredPiece, `${path}: vocab`, 'a token with its score')
  else if (isRecord(vocab)) assertAll(Object.entries(vocab), hasTokenId, `${path}: vocab`, 'a token with its id')
  else throw badInput(`${path}: vocab is ${quoted(vocab)}, the tokens of the model were expected`)
  if (Number(model.max_input_chars_per_word) > MAX_WORD)
    throw badInput(
      `${path}: max_input_chars_per_word is ${quoted(model.max_input_chars_per_word)}, at most ${MAX_WORD} is supported: ` +
        'the work grows with its square'
    )
  if (merges !== undefined) assertMerges(merges, vocab, model.continuing_subword_prefix, path)
  if (typeof model.dropout === 'number' && model.dropout > 0)
    throw badInput(
      `${path}: the model leaves out merges at random (dropout is ${model.dropout}), so a text has no tokens of its own; ` +
        'set dropout to null'
    )
}

function assertMerges(merges: unknown, vocab: object, prefix: unknown, path: string): void {
  if (!Array.isArray(merges)) throw badInput(`${path}: merges is ${quoted(merges)}, a list was expected`)
  assertAll(merges, isMerge, `${path}: merges`, 'a pair of tokens')
  const cut = Buffer.byteLength(typeof prefix === 'string' ? prefix : '')
  const withoutPrefix = (token: string) => (cut === 0 ? token : Buffer.from(token).subarray(cut).toString())
  for (const merge of merges as readonly (string | readonly string[])[]) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge
    const missing = [left, right, left + withoutPrefix(right)].find((token) => !Object.hasOwn(vocab, token))
    if (missing !== undefined)
      throw badInput(`${path}: merges holds ${quoted(merge)}, but vocab has no ${quoted(missing)}`)
  }
}

function assertAll(list: readonly unknown[], isRight: (item: unknown) => boolean, where: string, expected: string) {
  const wrong = list.find((item) => !isRight(item)) // JSON has no undefined
  if (wrong !== undefined) throw badInput(`${where} holds ${quoted(wrong)}, ${expected} was expected`)
}

const isScoredPiece = (item: unknown): boolean =>
  Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && Number.isFinite(item[1])

const hasTokenId = (item: unknown): boolean => Array.isArray(item) && isTokenId(item[1])

const isMerge = (item: unknown): boolean =>
  typeof item === 'string'
    ? item.split(' ').length === 2
    : Array.isArray(item) && item.length === 2 && item.every((token) => typeof token === 'string')

const isAddedToken = (item: unknown): boolean =>
  isRecord(item) && typeof item.content === 'string' && item.content !== '' && isTokenId(item.id)

/** Looks at every regular expression, table of characters and template, however deep it lies. */
function assertParts(part: unknown, path: string, depth: number): void {
  if (typeof part !== 'object' || part === null) return
  if (depth > MAX_JSON_DEPTH) throw badInput(`${path}: its parts are nested more than ${MAX_JSON_DEPTH} deep`)
  const { type, Regex, precompiled_charsmap, single, special_tokens } = part as Record<string, unknown>
  if (typeof Regex === 'string') assertTame(Regex, path)
  if (type === 'Precompiled' || precompiled_charsmap !== undefined)
    if (typeof precompiled_charsmap !== 'string' || !isSoundCharsMap(precompiled_charsmap))
      throw badInput(`${path}: the precompiled_charsmap of the normalizer is damaged`)
  if (single !== undefined) assertTemplate(single, special_tokens, path)
  for (const value of Object.values(part)) assertParts(value, path, depth + 1)
}

/** What stands around one text: the text itself, and special tokens of which the ids are told. */
function assertTemplate(single: unknown, special_tokens: unknown, path: string): void {
  const told = isRecord(special_tokens) ? special_tokens : {}
  const isPiece = (piece: unknown): boolean => {
    if (!isRecord(piece)) return false
    if (isRecord(piece.Sequence)) return piece.Sequence.id === 'A'
    const id = isRecord(piece.SpecialToken) ? piece.SpecialToken.id : undefined
    return typeof id === 'string' && Object.hasOwn(told, id) && isToldToken(told[id])
  }
  if (Array.isArray(single))
    assertAll(single, isPiece, `${path}: the template of the post-processor`, 'the text A or a token of special_tokens')
}

const isToldToken = (token: unknown): boolean =>
  isRecord(token) &&
  Array.isArray(token.ids) &&
  Array.isArray(token.tokens) &&
  token.ids.length === token.tokens.length &&
  token.ids.every(isTokenId)

function assertTame(pattern: string, path: string): void {
  const part = explosivePart(pattern)
  if (part !== undefined)
    throw badInput(
      `${path}: the regular expression ${quoted(pattern)} is not supported: ${quoted(part)} can match one text in so ` +
        'many ways that looking for it might never end'
    )
}
