import { badInput } from '../../shared/errors'
import type { CalibrateOn, FirstToken, Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import type { ChatRenderer } from './chatRenderer'
import { parseConversation } from './conversation'
import { maskOfSpans } from './responseMask'
import { readTexts, splitSamples } from './texts'
import type { ModelTokenizer } from './tokenizer'

/** The tokens of a text or of a sample; `response` is 1 for tokens of responses, where conversations were asked for it. */
export interface TokenSequence {
  readonly ids: Int32Array
  readonly response?: Uint8Array | undefined
}

/** Rows of tokens, [rows, context] row-major; behind the `lengths[i]` real tokens of row i come pads to be masked. */
export interface TokenRows {
  readonly context: number
  readonly rows: number
  readonly ids: Int32Array
  readonly lengths: Int32Array
  /** [rows, context]: 1 for tokens of responses; undefined where nobody asked for them. */
  readonly responses?: Uint8Array | undefined
  /** [rows, context]: 1 where a position counts, in H or as the target of a loss; 0 for pads and what was left out. */
  readonly counted: Uint8Array
  /** Positions that count. */
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
export function packedRows(
  { ids, response }: TokenSequence,
  context: number,
  rows: number,
  name = 'the text'
): TokenRows {
  const available = Math.floor(ids.length / context)
  if (available === 0)
    throw badInput(
      `${name} has ${ids.length} tokens; one row needs ${context}: give a longer text or a smaller context`
    )
  const count = Math.min(rows, available)
  const step = Math.floor(available / count) * context
  const result = new Int32Array(count * context)
  const responses = response && new Uint8Array(result.length)
  for (let row = 0; row < count; row++) {
    result.set(ids.subarray(row * step, row * step + context), row * context)
    if (response) responses?.set(response.subarray(row * step, row * step + context), row * context)
  }
  return {
    context,
    rows: count,
    ids: result,
    lengths: new Int32Array(count).fill(context),
    responses,
    counted: new Uint8Array(result.length).fill(1),
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
  samples: readonly TokenSequence[],
  context: number,
  rows: number,
  padId: number,
  name = 'the text'
): TokenRows {
  const usable = samples.filter(({ ids }) => ids.length >= 2)
  if (usable.length === 0)
    throw badInput(`${name} has no sample of two or more tokens among ${samples.length}; give longer samples`)
  const count = Math.min(rows, usable.length)
  const step = Math.floor(usable.length / count)
  const ids = new Int32Array(count * context).fill(padId)
  const lengths = new Int32Array(count)
  const counted = new Uint8Array(ids.length)
  const responses = usable.some(({ response }) => response !== undefined) ? new Uint8Array(ids.length) : undefined
  for (let row = 0; row < count; row++) {
    const { ids: sample, response } = usable[row * step] as TokenSequence
    lengths[row] = Math.min(context, sample.length)
    ids.set(sample.subarray(0, context), row * context)
    counted.fill(1, row * context, row * context + Math.min(context, sample.length))
    if (response !== undefined) responses?.set(response.subarray(0, context), row * context)
  }
  return {
    context,
    rows: count,
    ids,
    lengths,
    responses,
    counted,
    tokenCount: sum(counted),
    available: [usable.length]
  }
}

/** 1 for each position of rows [begin, end) that holds a token, 0 for the pads behind them. */
export function realTokens({ context, lengths }: TokenRows, begin: number, end: number): Float32Array {
  const real = new Float32Array((end - begin) * context)
  for (let row = begin; row < end; row++) {
    const start = (row - begin) * context
    real.fill(1, start, start + (lengths[row] as number))
  }
  return real
}

/** Which positions of rows count. */
export interface Counting {
  readonly on: CalibrateOn
  readonly firstToken: FirstToken
}

/**
 * The same rows, with only those positions counted: tokens of responses, of all else, or all; without the first token of
 * each row where it is excluded. Whatever is left out is still seen by the tokens behind it.
 */
export function countPositions(rows: TokenRows, { on, firstToken }: Counting): TokenRows {
  const { context, responses } = rows
  const counted = rows.counted.map((real, i) => {
    if (real === 0 || (firstToken === 'exclude' && i % context === 0)) return 0
    return on === 'all' || (responses?.[i] === 1) === (on === 'responses') ? 1 : 0
  })
  return { ...rows, counted, tokenCount: sum(counted) }
}

const sum = (values: Uint8Array): number => values.reduce((total, value) => total + value, 0)

/** The rows of several texts, one after the other; all have the same context. */
export function concatRows(list: readonly TokenRows[]): TokenRows {
  const context = list[0]?.context ?? 0
  const rows = list.reduce((total, part) => total + part.rows, 0)
  const ids = new Int32Array(rows * context)
  const counted = new Uint8Array(rows * context)
  const lengths = new Int32Array(rows)
  let row = 0
  for (const part of list) {
    if (part.context !== context) throw new RangeError(`rows of ${part.context} tokens beside rows of ${context}`)
    ids.set(part.ids, row * context)
    counted.set(part.counted, row * context)
    lengths.set(part.lengths, row)
    row += part.rows
  }
  return { context, rows, ids, lengths, counted, tokenCount: sum(counted), available: list.flatMap((p) => p.available) }
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

/** Told of work that goes on: what is done of how much. */
export type OnProgress = (done: number, total: number) => void

/** How conversations become tokens. */
export interface ChatEncoding {
  readonly renderer: ChatRenderer
  /** Tells the tokens of responses from the others. */
  readonly responses: boolean
}

/**
 * The tokens of a text: of the whole for `packed`, of each sample for `padded`.
 *
 * Packed conversations of which the responses are asked for are tokenized one by one and put behind one another, so that
 * no token belongs to two of them; otherwise the whole is tokenized in one piece.
 *
 * @param chat - renders conversations; their texts already hold the special tokens
 * @param report - told of samples that are done; a text in one piece reports nothing
 */
export async function encodeText(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  chat?: ChatEncoding,
  report: OnProgress = () => {}
): Promise<readonly TokenSequence[]> {
  const read = await readTexts(text, folder)
  if (chat?.responses === true) {
    const samples = await encodeResponses(tokenizer, read, chat.renderer, text.name, report)
    return policy === 'packed' ? [joined(samples)] : samples
  }
  const documents = chat === undefined ? read : renderAll(read, chat.renderer, text.name)
  if (policy === 'packed') {
    const separator = chat === undefined ? '\n\n' : ''
    return [{ ids: await tokenizer.encode(documents.join(separator), { specialTokens: false }) }]
  }
  const samples = text.kind === 'text' ? documents.flatMap(splitSamples) : documents
  const encoded: TokenSequence[] = []
  for (const [index, sample] of samples.entries()) {
    report(index, samples.length)
    encoded.push({ ids: await tokenizer.encode(sample, { specialTokens: chat === undefined }) })
  }
  return encoded
}

const renderAll = (samples: readonly string[], chat: ChatRenderer, name: string): string[] =>
  samples.map((sample, index) => {
    const where = `${name}, sample ${index + 1}`
    return chat.render(parseConversation(sample, where), where)
  })

async function encodeResponses(
  tokenizer: ModelTokenizer,
  samples: readonly string[],
  chat: ChatRenderer,
  name: string,
  report: OnProgress
): Promise<Required<TokenSequence>[]> {
  const encoded: Required<TokenSequence>[] = []
  for (const [index, sample] of samples.entries()) {
    report(index, samples.length)
    const where = `${name}, sample ${index + 1}`
    const { text, responses } = chat.renderWithResponses(parseConversation(sample, where), where)
    const ids = await tokenizer.encode(text, { specialTokens: false })
    encoded.push({ ids, response: await maskOfSpans(tokenizer, text, ids, responses) })
  }
  return encoded
}

function joined(parts: readonly TokenSequence[]): TokenSequence {
  const length = parts.reduce((total, { ids }) => total + ids.length, 0)
  const ids = new Int32Array(length)
  const response = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    ids.set(part.ids, at)
    if (part.response !== undefined) response.set(part.response, at)
    at += part.ids.length
  }
  return { ids, response }
}

/** Rows out of the tokens of a text, as `encodeText` gives them for the same policy. */
export function cutRows(
  tokens: readonly TokenSequence[],
  name: string,
  padId: number | undefined,
  { policy, context, rows, vocabularySize }: RowOptions
): TokenRows {
  const result =
    policy === 'packed'
      ? packedRows(tokens[0] ?? { ids: new Int32Array() }, context, rows, name)
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
