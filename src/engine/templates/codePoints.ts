const SURROGATE = /[\ud800-\udfff]/

/** The length of a text as Python counts it. */
export const codePointCount = (text: string): number => (SURROGATE.test(text) ? [...text].length : text.length)

/** Characters as Python indexes them. */
export const codePoints = (text: string): readonly string[] => (SURROGATE.test(text) ? [...text] : text.split(''))
