import { expect, test } from 'vitest'
import { wholeWords } from '../../../../src/renderer/format/wholeWords'

const wholeIn = (sentence: string): string[] =>
  wholeWords(sentence)
    .filter(({ whole }) => whole)
    .map(({ text }) => text)

test.each([
  ['rank 64: vLLM serves ranks up to 16 unless started with --max-lora-rank 64', ['--max-lora-rank']],
  ['quailora-r16 closes 64 % of the gap on sotu-evaluation: 86 → 85', ['quailora-r16', 'sotu-evaluation:']],
  ['/models/a-name-that-is-longer-than-a-line-of-a-column has changed', []],
  ['no name at all', []],
  ['', []]
])('names stand whole in: %s', (sentence, names) => {
  expect(wholeIn(sentence)).toEqual(names)
  expect(
    wholeWords(sentence)
      .map(({ text }) => text)
      .join('')
  ).toBe(sentence)
})
