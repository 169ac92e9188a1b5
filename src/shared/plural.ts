/** `16,384`: a whole number as it stands in a sentence. */
export const count = (value: number): string => value.toLocaleString('en')

/** `1 row`, `3 rows`: a count as it stands in a sentence. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`
