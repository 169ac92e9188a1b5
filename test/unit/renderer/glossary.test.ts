import { expect, test } from 'vitest'
import { meaningOf, readGlossary, TERMS } from '../../../src/renderer/glossary/glossary'

test('every term that the window explains stands in the glossary', () => {
  expect(TERMS.filter((term) => meaningOf(term) === undefined)).toEqual([])
  expect(meaningOf('certificate')).toMatch(/^Gain reached \/ gain of the exact optimum.*\.$/)
})

test('rows explain one word or several, headings and rules none', () => {
  const text = '# Words\n\n| Say | Meaning |\n|---|---|\n| `a`, b | what *it* is |\n| c | more: `x` | beware |\n'
  expect([...readGlossary(text)]).toEqual([
    ['Say', 'Meaning'],
    ['a', 'what it is'],
    ['b', 'what it is'],
    ['c', 'more: x']
  ])
})
