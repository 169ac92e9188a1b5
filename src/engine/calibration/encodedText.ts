import { availableParallelism } from 'node:os'
import type { NotedSamples } from '../../shared/tokenPreview'
import type { PrintedParts } from './printedParts'
import type { RefusalCount } from './refusedSamples'

/** The tokens of a text or of a sample; `response` is 1 for tokens of responses, where conversations were asked for it. */
export interface TokenSequence {
  readonly ids: Int32Array
  readonly response?: Uint8Array | undefined
}

/** Something that becomes tokens: a piece of a text, or a sample. */
export interface TextPart {
  encode(): Promise<TokenSequence>
  /** Bytes of the file that have been read for it and those before. */
  readonly at: number
  /** Bytes, as UTF-8, that the tokenizer gets in one piece. */
  readonly bytes: number
}

/** Tokens [begin, end) of a part. */
export interface PartSpan {
  readonly part: number
  readonly begin: number
  readonly end: number
}

interface EncodingOptions {
  readonly report?: (part: TextPart) => void
  readonly limit?: number
  readonly refusals?: RefusalCount | undefined
  readonly printed?: PrintedParts | undefined
}

/** Parts that are tokenized at a time at most, as many as the library's runtime has threads, and bytes that several together stay below. */
const AT_A_TIME = Math.min(4, availableParallelism())
const BYTES_AT_A_TIME = 2 ** 19

/** Tokens of one text that are kept in memory; those behind them are found again when they are wanted. */
const KEPT_TOKENS = 2 ** 22

/**
 * The tokens of a text of any size: how many each of its parts has, and those themselves, as far as they are few; the others are
 * tokenized a second time, of those parts alone that are asked for.
 */
export class EncodedText {
  private constructor(
    private readonly parts: () => AsyncIterable<TextPart>,
    /** Tokens of each part. */
    readonly lengths: readonly number[],
    private readonly kept: readonly TokenSequence[],
    /** Tokens that are in memory. */
    readonly keptTokens: number,
    /** The most bytes that the tokenizer got at a time, of one part or of several. */
    readonly atATime: number,
    /** Conversations that are no parts of it. */
    readonly refused?: NotedSamples | undefined,
    /** Conversations whose lists of parts are printed. */
    readonly printed?: NotedSamples | undefined
  ) {}

  /**
   * Tokenizes all parts once.
   *
   * @param parts - gives the same parts each time
   * @param options - `report` is told of each part that is done; `refusals` and `printed` of what is noted of the parts
   *   while they are read
   */
  static async of(
    parts: () => AsyncIterable<TextPart>,
    { report = () => {}, limit = KEPT_TOKENS, refusals, printed }: EncodingOptions = {}
  ): Promise<EncodedText> {
    const lengths: number[] = []
    const kept: TokenSequence[] = []
    let keptTokens = 0
    let atATime = 0
    for await (const { part, tokens, together } of encodedInOrder(parts())) {
      if (kept.length === lengths.length && keptTokens + tokens.ids.length <= limit) {
        kept.push(tokens)
        keptTokens += tokens.ids.length
      }
      lengths.push(tokens.ids.length)
      atATime = Math.max(atATime, together)
      report(part)
    }
    return new EncodedText(parts, lengths, kept, keptTokens, atATime, refusals?.found(), printed?.found())
  }

  /** The tokens of spans, each put together from those of its parts; parts go up from each to the next. */
  async take(wanted: readonly (readonly PartSpan[])[]): Promise<TokenSequence[]> {
    const pieces = new Map<PartSpan, TokenSequence>()
    const spans = wanted.flat()
    const collect = (index: number, tokens: TokenSequence): void => {
      for (let span = spans[0]; span?.part === index; span = spans[0]) {
        const { begin, end } = span
        pieces.set(span, { ids: tokens.ids.slice(begin, end), response: tokens.response?.slice(begin, end) })
        spans.shift()
      }
    }
    for (const [index, tokens] of this.kept.entries()) collect(index, tokens)
    if (spans.length > 0) await this.#again(spans, collect)
    return wanted.map((row) => joined(row.map((span) => pieces.get(span) as TokenSequence)))
  }

  async #again(spans: readonly PartSpan[], collect: (index: number, tokens: TokenSequence) => void): Promise<void> {
    let index = 0
    for await (const part of this.parts()) {
      if (spans[0]?.part === index) collect(index, await part.encode())
      index++
      if (spans.length === 0) return
    }
  }
}

interface UnderWay {
  readonly part: TextPart
  readonly tokens: Promise<TokenSequence>
}

interface Encoded {
  readonly part: TextPart
  readonly tokens: TokenSequence
  /** Bytes of it and of the parts that were tokenized beside it. */
  readonly together: number
}

/** Parts with their tokens, in their order; those behind the first are tokenized at the same time, on other threads of the library. */
async function* encodedInOrder(parts: AsyncIterable<TextPart>): AsyncGenerator<Encoded> {
  const underWay: UnderWay[] = []
  const first = async (): Promise<Encoded> => {
    const together = bytesOf(underWay)
    const { part, tokens } = underWay[0] as UnderWay
    const encoded = { part, tokens: await tokens, together }
    underWay.shift()
    return encoded
  }
  try {
    for await (const part of parts) {
      while (underWay.length > 0 && !fits(part, underWay)) yield await first()
      const tokens = part.encode()
      tokens.catch(() => undefined) // it is thrown where the part is the first
      underWay.push({ part, tokens })
    }
    while (underWay.length > 0) yield await first()
  } finally {
    await Promise.allSettled(underWay.map(({ tokens }) => tokens))
  }
}

const bytesOf = (parts: readonly UnderWay[]): number => parts.reduce((sum, { part }) => sum + part.bytes, 0)

/** Whether a part can be begun beside these. */
const fits = (part: TextPart, underWay: readonly UnderWay[]): boolean =>
  underWay.length < AT_A_TIME && bytesOf(underWay) + part.bytes < BYTES_AT_A_TIME

/** Sequences one behind the other. */
export function joined(parts: readonly TokenSequence[]): TokenSequence {
  const length = parts.reduce((total, { ids }) => total + ids.length, 0)
  const ids = new Int32Array(length)
  const response = parts.some((part) => part.response !== undefined) ? new Uint8Array(length) : undefined
  let at = 0
  for (const part of parts) {
    ids.set(part.ids, at)
    if (part.response !== undefined) response?.set(part.response, at)
    at += part.ids.length
  }
  return { ids, response }
}
