/** `1 row`, `3 rows`: a count as it stands in a sentence. */
export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
