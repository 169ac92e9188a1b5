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
    /** Bytes of its longest part. */
    readonly longest: number
  ) {}

  /**
   * Tokenizes all parts once.
   *
   * @param parts - gives the same parts each time
   * @param report - told of each part that is done
   */
  static async of(
    parts: () => AsyncIterable<TextPart>,
    report: (part: TextPart) => void = () => {},
    limit = KEPT_TOKENS
  ): Promise<EncodedText> {
    const lengths: number[] = []
    const kept: TokenSequence[] = []
    let keptTokens = 0
    let longest = 0
    for await (const part of parts()) {
      const tokens = await part.encode()
      if (kept.length === lengths.length && keptTokens + tokens.ids.length <= limit) {
        kept.push(tokens)
        keptTokens += tokens.ids.length
      }
      lengths.push(tokens.ids.length)
      longest = Math.max(longest, part.bytes)
      report(part)
    }
    return new EncodedText(parts, lengths, kept, keptTokens, longest)
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
