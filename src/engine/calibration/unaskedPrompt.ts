/*
 * Some templates write the generation prompt behind every conversation, whether they are asked or not: dolphin's for Llama 3,
 * Nemotron Mini's. What they write of a conversation that ends with an answer then ends with the header of another one, which is
 * no part of the answer.
 */

/** What begins a token in brackets. */
const BRACKETS = '<[{('

/** Where the last bracket before `end` stands, −1 where there is none. From behind: a conversation may be long, and all code. */
function lastBracket(text: string, end = text.length): number {
  let at = end - 1
  while (at >= 0 && !BRACKETS.includes(text.charAt(at))) at--
  return at
}

/** Whether a conversation up to an answer ends with the last token in brackets, and what is behind it, of what stands before it. */
export function mayEndWithPrompt(ended: string, before: string): boolean {
  const begin = lastBracket(before)
  return begin >= 0 && ended.endsWith(before.slice(begin))
}

/**
 * Where the header of a next answer begins that a template wrote unasked; undefined where there is none.
 *
 * @param ended - a conversation up to an answer
 * @param goesOn - the same with a question behind it: another header stands there
 * @param before - the conversation before the answer, of which the same header is the end
 */
export function unaskedPrompt(ended: string, goesOn: string, before: string): number | undefined {
  let shared = 0
  while (shared < ended.length && ended[shared] === goesOn[shared]) shared++
  if (shared === ended.length) return undefined
  const begin = lastBracket(ended, shared + 1)
  return begin >= 0 && before.endsWith(ended.slice(begin)) ? begin : undefined
}
