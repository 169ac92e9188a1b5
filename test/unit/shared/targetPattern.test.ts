import { describe, expect, it } from 'vitest'
import { Variant } from '../../../src/shared/recipe'
import { patternProblem } from '../../../src/shared/targetPattern'

describe('an expression for targets', () => {
  it.each([
    ['(?P<part>q|v)_proj', 'holds a named group (character 0)'],
    ['(?<part>q|v)_proj', 'holds a named group (character 0)'],
    ['.*(?<=q)_proj', 'holds lookbehind (character 2)'],
    ['.*(?<!q)_proj', 'holds lookbehind (character 2)'],
    ['(?>a|b)c', 'holds an atomic group (character 0)'],
    ['a(?#note)b', 'holds a comment (character 1)'],
    ['(?i)Q_PROJ', 'holds a flag (character 0)'],
    ['(?i:Q)_proj', 'holds a flag (character 0)'],
    ['(q|v)_\\1', 'holds a reference to a group (character 6)'],
    ['q_proj\\Z', 'holds an anchor with a backslash (character 6)'],
    ['\\Aq_proj', 'holds an anchor with a backslash (character 0)'],
    ['\\s', 'holds an escape (character 0)'],
    ['a++', 'holds "+" (character 2)'],
    ['a{,3}', 'holds "{" (character 1)'],
    ['[]a]', 'holds a class with signs other'],
    ['[\\d]', 'holds a class with signs other'],
    ['\u0661', 'holds "\u0661" (character 0)'],
    ['(a+)+b', 'repeats a group'],
    ['(a|a)*b', 'repeats a group'],
    ['(?:.a?){30}', 'repeats a group'],
    ['.*.*.*.*.*.*', 'repeats 6 parts; at most 5 are accepted'],
    ['a'.repeat(501), 'has 501 characters; at most 500 are accepted'],
    ['(q', 'is no regular expression'],
    ['*q', 'is no regular expression'],
    ['[z-a]', 'is no regular expression']
  ])('%s is refused by name', (pattern, problem) => {
    expect(patternProblem(pattern)?.slice(0, problem.length)).toBe(problem)
  })

  it('stands in a recipe, which says what is wrong with another', () => {
    expect(Variant.parse({ method: 'svd', targets: { regex: '.*q_proj' } }).targets).toEqual({ regex: '.*q_proj' })
    const refused = Variant.safeParse({ method: 'svd', targets: { regex: '(?i)q' } })
    expect(JSON.stringify(refused.error?.issues)).toContain('holds a flag')
  })
})
