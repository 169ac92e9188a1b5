import { spend } from './budget'

const SURROGATE = /[\ud800-\udfff]/

/** The length of a text as Python counts it. */
export const codePointCount = (text: string): number => (SURROGATE.test(text) ? [...text].length : text.length)

/** Characters as Python indexes them. */
export function codePoints(text: string): readonly string[] {
  spend(text.length / 2)
  return SURROGATE.test(text) ? [...text] : text.split('')
}

/** The character at a place, from the end where that is negative; undefined where the text has none there. */
export function codePointAt(text: string, index: number): string | undefined {
  spend(text.length / 64)
  if (!SURROGATE.test(text)) return text.at(index)
  return codePoints(text).at(index)
}
