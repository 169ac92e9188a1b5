import { badInput } from '../../shared/errors'
import type { Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { type ChatRenderer, parseConversation } from './chatRenderer'
import { readTexts, splitSamples } from './texts'
import type { ModelTokenizer } from './tokenizer'

/** Rows of tokens, [rows, context] row-major; behind the `lengths[i]` real tokens of row i come pads to be masked. */
export interface TokenRows {
  readonly context: number
  readonly rows: number
  readonly ids: Int32Array
  readonly lengths: Int32Array
  /** Real tokens, pads not counted. */
  readonly tokenCount: number
  /** Rows that the texts could give, by text. */
  readonly available: readonly number[]
}

/**
 * Cuts `rows` full rows out of one long stretch of tokens, starting evenly spaced.
 *
 * With T tokens, n = min(rows, ⌊T / context⌋): row i starts at token i · ⌊⌊T / context⌋ / n⌋ · context.
 *
 * @param name what the tokens come from, for the error
 * @throws {AppError} BAD_INPUT if T < context
 */
export function packedRows(ids: Int32Array, context: number, rows: number, name = 'the text'): TokenRows {
  const available = Math.floor(ids.length / context)
  if (available === 0)
    throw badInput(
      `${name} has ${ids.length} tokens; one row needs ${context}: give a longer text or a smaller context`
    )
  const count = Math.min(rows, available)
  const step = Math.floor(available / count) * context
  const result = new Int32Array(count * context)
  for (let row = 0; row < count; row++) {
    result.set(ids.subarray(row * step, row * step + context), row * context)
  }
  return {
    context,
    rows: count,
    ids: result,
    lengths: new Int32Array(count).fill(context),
    tokenCount: result.length,
    available: [available]
  }
}

/**
 * Puts one sample in each row: cut off after `context` tokens, filled up with `padId` on the right.
 *
 * Samples of fewer than two tokens predict nothing and are left out. Of the m others n = min(rows, m) are taken evenly
 * spaced: row i is sample i · ⌊m / n⌋.
 *
 * @throws {AppError} BAD_INPUT if no sample is left
 */
export function paddedRows(
  samples: readonly Int32Array[],
  context: number,
  rows: number,
  padId: number,
  name = 'the text'
): TokenRows {
  const usable = samples.filter((sample) => sample.length >= 2)
  if (usable.length === 0)
    throw badInput(`${name} has no sample of two or more tokens among ${samples.length}; give longer samples`)
  const count = Math.min(rows, usable.length)
  const step = Math.floor(usable.length / count)
  const chosen = Array.from({ length: count }, (_, row) => (usable[row * step] as Int32Array).subarray(0, context))
  const ids = new Int32Array(count * context).fill(padId)
  chosen.forEach((sample, row) => {
    ids.set(sample, row * context)
  })
  const lengths = Int32Array.from(chosen, (sample) => sample.length)
  const tokenCount = lengths.reduce((sum, length) => sum + length, 0)
  return { context, rows: count, ids, lengths, tokenCount, available: [usable.length] }
}

/** The rows of several texts, one after the other; all have the same context. */
export function concatRows(list: readonly TokenRows[]): TokenRows {
  const context = list[0]?.context ?? 0
  const rows = list.reduce((sum, part) => sum + part.rows, 0)
  const ids = new Int32Array(rows * context)
  const lengths = new Int32Array(rows)
  let row = 0
  for (const part of list) {
    if (part.context !== context) throw new RangeError(`rows of ${part.context} tokens beside rows of ${context}`)
    ids.set(part.ids, row * context)
    lengths.set(part.lengths, row)
    row += part.rows
  }
  const tokenCount = list.reduce((sum, part) => sum + part.tokenCount, 0)
  return { context, rows, ids, lengths, tokenCount, available: list.flatMap((part) => part.available) }
}

export interface RowOptions {
  readonly policy: Policy
  readonly context: number
  /** Rows to take; fewer when the text is shorter. */
  readonly rows: number
  /** Rows of the model's embedding; every id must be below. */
  readonly vocabularySize?: number | undefined
}

/**
 * Reads one text and turns it into rows of tokens.
 *
 * `packed` tokenizes the text in one piece without special tokens (samples are joined by a blank line first); `padded`
 * takes each sample (of a plain text: each paragraph) by itself, with the special tokens that the tokenizer adds.
 *
 * @throws {AppError} BAD_INPUT if the text cannot be read, is too short, or has a token that the model does not know
 */
export async function loadRows(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  options: RowOptions
): Promise<TokenRows> {
  return cutRows(await encodeText(tokenizer, text, folder, options.policy), text.name, tokenizer.padId, options)
}

/**
 * The tokens of a text: of the whole for `packed`, of each sample for `padded`.
 *
 * @param chat - renders conversations; their texts already hold the special tokens
 */
export async function encodeText(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  chat?: ChatRenderer
): Promise<readonly Int32Array[]> {
  const read = await readTexts(text, folder)
  const documents = chat === undefined ? read : renderAll(read, chat, text.name)
  if (policy === 'packed') {
    const separator = chat === undefined ? '\n\n' : ''
    return [tokenizer.encode(documents.join(separator), { specialTokens: false })]
  }
  const samples = text.kind === 'text' ? documents.flatMap(splitSamples) : documents
  return samples.map((sample) => tokenizer.encode(sample, { specialTokens: chat === undefined }))
}

const renderAll = (samples: readonly string[], chat: ChatRenderer, name: string): string[] =>
  samples.map((sample, index) => {
    const where = `${name}, sample ${index + 1}`
    return chat.render(parseConversation(sample, where), where)
  })

/** Rows out of the tokens of a text, as `encodeText` gives them for the same policy. */
export function cutRows(
  tokens: readonly Int32Array[],
  name: string,
  padId: number | undefined,
  { policy, context, rows, vocabularySize }: RowOptions
): TokenRows {
  const result =
    policy === 'packed'
      ? packedRows(tokens[0] ?? new Int32Array(), context, rows, name)
      : paddedRows(tokens, context, rows, padId ?? 0, name)
  if (vocabularySize !== undefined) checkIds(result, vocabularySize, name)
  return result
}

function checkIds({ ids, lengths, context }: TokenRows, vocabularySize: number, name: string): void {
  lengths.forEach((length, row) => {
    const outside = ids.subarray(row * context, row * context + length).find((id) => id >= vocabularySize)
    if (outside !== undefined)
      throw badInput(
        `${name}: the tokenizer gives token ${outside}, the model knows 0 to ${vocabularySize - 1}; ` +
          'its tokenizer and its config.json do not belong together'
      )
  })
}
