import { badInput } from '../../shared/errors'
import type { CalibrateOn, FirstToken, Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import type { NotedSamples } from '../../shared/tokenPreview'
import type { EncodedText, PartSpan, TokenSequence } from './encodedText'
import { encodeText } from './encodeText'
import { spacedRows } from './spacedRows'
import type { ModelTokenizer } from './tokenizer'

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
  /** What became of samples that are longer than a row; missing where none is, and where text is cut into full rows. */
  readonly cutOff?: CutOff | undefined
  /**
   * By text, conversations that are in no row because the chat template refuses them, or does not tell their responses; missing
   * where there are none.
   */
  readonly refused?: readonly NotedSamples[] | undefined
  /** By text, conversations whose lists of parts the chat template writes as Python prints lists; missing where there are none. */
  readonly printed?: readonly NotedSamples[] | undefined
}

export interface CutOff {
  /** Rows that hold the beginning of a longer sample. */
  readonly rows: number
  /** Tokens of their samples that are left out. */
  readonly tokens: number
  /** Tokens of the longest of these samples: with so many in a row nothing is left out. */
  readonly longest: number
}

/**
 * Cuts `rows` full rows out of one long stretch of tokens, starting evenly spaced.
 *
 * With T tokens, n = min(rows, ⌊T / context⌋): row i starts at token i · ⌊⌊T / context⌋ / n⌋ · context. Other draws take
 * rows between these (`spacedRows`).
 *
 * @param name what the tokens come from, for the error
 * @throws {AppError} BAD_INPUT if T < context, or for a draw that there is not
 */
export function packedRows(
  { ids, response }: TokenSequence,
  context: number,
  rows: number,
  name = 'the text',
  draw = 0
): TokenRows {
  const rowsOf = packedPlaces(ids.length, context, rows, name, draw).map((place) => ({
    ids: ids.subarray(place * context, (place + 1) * context),
    response: response?.subarray(place * context, (place + 1) * context)
  }))
  return filled(rowsOf, context, 0, Math.floor(ids.length / context))
}

function packedPlaces(tokens: number, context: number, rows: number, name: string, draw: number): number[] {
  const available = Math.floor(tokens / context)
  if (available === 0)
    throw badInput(`${name} has ${tokens} tokens; one row needs ${context}: give a longer text or a smaller context`)
  return spacedRows(available, rows, draw, name)
}

/**
 * Puts one sample in each row: cut off after `context` tokens, filled up with `padId` on the right.
 *
 * Samples of fewer than two tokens predict nothing and are left out. Of the m others n = min(rows, m) are taken evenly
 * spaced: row i is sample i · ⌊m / n⌋; other draws take samples between these (`spacedRows`).
 *
 * @throws {AppError} BAD_INPUT if no sample is left, or for a draw that there is not
 */
export function paddedRows(
  samples: readonly TokenSequence[],
  context: number,
  rows: number,
  padId: number,
  name = 'the text',
  draw = 0
): TokenRows {
  const { usable, taken } = paddedPlaces(
    samples.map(({ ids }) => ids.length),
    rows,
    name,
    draw
  )
  const rowsOf = taken.map((place) => samples[usable[place] as number] as TokenSequence)
  return filled(rowsOf, context, padId, usable.length)
}

/** The samples that can be used, and which of them are taken. */
function paddedPlaces(lengths: readonly number[], rows: number, name: string, draw: number) {
  const usable = lengths.flatMap((length, index) => (length >= 2 ? [index] : []))
  if (usable.length === 0)
    throw badInput(`${name} has no sample of two or more tokens among ${lengths.length}; give longer samples`)
  return { usable, taken: spacedRows(usable.length, rows, draw, name) }
}

/** Rows of these tokens, cut off after `context` and filled up with `padId`. */
function filled(rows: readonly TokenSequence[], context: number, padId: number, available: number): TokenRows {
  const ids = new Int32Array(rows.length * context).fill(padId)
  const lengths = new Int32Array(rows.length)
  const counted = new Uint8Array(ids.length)
  const responses = rows.some(({ response }) => response !== undefined) ? new Uint8Array(ids.length) : undefined
  for (const [row, { ids: tokens, response }] of rows.entries()) {
    const length = Math.min(context, tokens.length)
    lengths[row] = length
    ids.set(tokens.subarray(0, context), row * context)
    counted.fill(1, row * context, row * context + length)
    if (response !== undefined) responses?.set(response.subarray(0, context), row * context)
  }
  return {
    context,
    rows: rows.length,
    ids,
    lengths,
    responses,
    counted,
    tokenCount: sum(counted),
    available: [available]
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
  const available = list.flatMap((part) => part.available)
  const cutOff = sumOfCuts(list.flatMap((part) => part.cutOff ?? []))
  const refused = list.flatMap((part) => part.refused ?? [])
  const printed = list.flatMap((part) => part.printed ?? [])
  const leftOut = { ...(cutOff && { cutOff }), ...(refused.length > 0 && { refused }) }
  const noted = { ...leftOut, ...(printed.length > 0 && { printed }) }
  return { context, rows, ids, lengths, counted, tokenCount: sum(counted), available, ...noted }
}

const sumOfCuts = (cuts: readonly CutOff[]): CutOff | undefined =>
  cuts.length === 0
    ? undefined
    : cuts.reduce((all, { rows, tokens, longest }) => ({
        rows: all.rows + rows,
        tokens: all.tokens + tokens,
        longest: Math.max(all.longest, longest)
      }))

/** What rows of so many tokens leave out of samples of these lengths. */
const cutOffOf = (lengths: readonly number[], context: number): CutOff | undefined =>
  sumOfCuts(
    lengths.flatMap((length) => (length > context ? [{ rows: 1, tokens: length - context, longest: length }] : []))
  )

export interface RowOptions {
  readonly policy: Policy
  readonly context: number
  /** Rows to take; fewer when the text is shorter. */
  readonly rows: number
  /** Which choice of rows; default 0. */
  readonly draw?: number | undefined
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

/** Rows out of the tokens of a text, as `encodeText` gives them for the same policy. */
export async function cutRows(
  tokens: EncodedText,
  name: string,
  padId: number | undefined,
  { policy, context, rows, draw = 0, vocabularySize }: RowOptions
): Promise<TokenRows> {
  const { lengths, refused, printed } = tokens
  const cut = await (policy === 'packed' ? packed() : padded())
  const result = { ...cut, ...(refused && { refused: [refused] }), ...(printed && { printed: [printed] }) }
  if (vocabularySize !== undefined) checkIds(result, vocabularySize, name)
  return result

  async function packed(): Promise<TokenRows> {
    const total = lengths.reduce((all, length) => all + length, 0)
    const places = packedPlaces(total, context, rows, name, draw)
    return filled(await tokens.take(spansOf(places, context, lengths)), context, 0, Math.floor(total / context))
  }

  async function padded(): Promise<TokenRows> {
    const { usable, taken } = paddedPlaces(lengths, rows, name, draw)
    const spans = taken.map((place) => [{ part: usable[place] as number, begin: 0, end: context }])
    const cutOff = cutOffOf(
      taken.map((place) => lengths[usable[place] as number] as number),
      context
    )
    return { ...filled(await tokens.take(spans), context, padId ?? 0, usable.length), ...(cutOff && { cutOff }) }
  }
}

/** The rows at these places, which go up, of parts put behind one another. */
function spansOf(places: readonly number[], context: number, lengths: readonly number[]): PartSpan[][] {
  let part = 0
  let before = 0 // tokens of the parts before this one
  return places.map((place) => {
    const spans: PartSpan[] = []
    for (let at = place * context; at < (place + 1) * context; ) {
      const length = lengths[part] as number
      if (at >= before + length) {
        before += length
        part++
        continue
      }
      const end = Math.min((place + 1) * context, before + length)
      spans.push({ part, begin: at - before, end: end - before })
      at = end
    }
    return spans
  })
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
