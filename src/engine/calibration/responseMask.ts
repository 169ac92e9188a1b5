import type { ModelTokenizer } from './tokenizer'

/** Characters [begin, end) of a rendered conversation. */
export interface Span {
  readonly begin: number
  readonly end: number
}

/**
 * 1 for each token that shares a character with one of the spans, else 0: the rule of transformers'
 * `return_assistant_tokens_mask`, whose `char_to_token` gives the token that holds a span's first and last character.
 *
 * The tokenizer gives no offsets, so a border is found by encoding what stands before it. Where that does not give the
 * same tokens, a token reaches over the border, and the decoded text says which one.
 *
 * Known difference: where a byte-level tokenizer trims offsets and a span begins or ends with a space, transformers finds
 * no token there, and counts nothing of this and all later spans, or all that follows. Of a character in several tokens
 * of bytes it counts the first one alone where the span ends with it. Here the rule holds.
 *
 * @param ids - tokens of the whole text, without added special tokens
 */
export async function maskOfSpans(
  tokenizer: ModelTokenizer,
  text: string,
  ids: Int32Array,
  spans: readonly Span[]
): Promise<Uint8Array> {
  const mask = new Uint8Array(ids.length)
  const lossless = (await tokenizer.decode(ids)) === text
  for (const { begin, end } of spans) {
    if (begin >= end) continue
    const first = await tokensBefore(tokenizer, text.slice(0, begin), ids, lossless)
    const last = await tokensBefore(tokenizer, text.slice(0, end), ids, lossless)
    mask.fill(1, first.whole, last.whole + (last.cut ? 1 : 0))
  }
  return mask
}

/** How many tokens end within `prefix`, and whether the next one begins within it too. */
async function tokensBefore(tokenizer: ModelTokenizer, prefix: string, ids: Int32Array, lossless: boolean) {
  const own = await tokenizer.encode(prefix, { specialTokens: false })
  const different = own.findIndex((id, i) => id !== ids[i])
  if (different < 0) return { whole: own.length, cut: false }
  let whole = different
  const lengthOf = async (tokens: Int32Array) => (await tokenizer.decode(tokens)).length
  // A normalizer may have made the text longer or shorter: that of its tokens is as long as that of the ids' beginning.
  const length = lossless ? prefix.length : await lengthOf(own)
  while (whole < ids.length && (await lengthOf(ids.subarray(0, whole + 1))) <= length) whole++
  return { whole, cut: (await lengthOf(ids.subarray(0, whole))) < length }
}
