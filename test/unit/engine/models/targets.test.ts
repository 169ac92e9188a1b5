import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { selectTargets } from '../../../../src/engine/models/targets'
import { patternProblem } from '../../../../src/shared/targetPattern'

interface Expected {
  readonly paths: readonly string[]
  readonly cases: readonly { readonly regex: string; readonly matches: readonly string[] }[]
}
const peft: Expected = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../fixtures/targets/expected.json'), 'utf8')
)

const paths = [0, 1].flatMap((block) =>
  ['self_attn.q_proj', 'self_attn.v_proj', 'mlp.q_proj_extra'].map((name) => `model.layers.${block}.${name}`)
)
const select = (...targets: string[]): string[] => [...selectTargets(targets, paths)]

describe('targets', () => {
  it('are all linears', () => {
    expect([...selectTargets('all-linear', paths)]).toEqual(paths)
  })

  it('are those that end in a name, whole components only', () => {
    expect(select('q_proj')).toEqual(['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj'])
    expect(select('self_attn.v_proj')).toEqual(['model.layers.0.self_attn.v_proj', 'model.layers.1.self_attn.v_proj'])
  })

  it('are the one that a full path names', () => {
    expect(select('model.layers.1.self_attn.q_proj')).toEqual(['model.layers.1.self_attn.q_proj'])
  })

  it('count once where names overlap', () => {
    expect(select('q_proj', 'model.layers.0.self_attn.q_proj', 'v_proj')).toHaveLength(4)
  })

  it.each([
    ['attention', ''],
    ['layers.0', ''],
    ['q_porj', ' (did you mean q_proj?)'],
    ['.q_proj', ' (did you mean q_proj?)'],
    ['v_proj.', ' (did you mean v_proj?)']
  ])('are refused when %s matches nothing', (name, suggestion) => {
    expect(() => select('v_proj', name)).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: `target ${name} matches no linear${suggestion}; this model has q_proj, v_proj, q_proj_extra`
      })
    )
  })

  it('tell of every name that matches nothing when asked to go on', () => {
    const unmatched: string[] = []
    const selected = selectTargets(['q', 'v_proj', 'w'], paths, (target) => unmatched.push(target))
    expect(unmatched).toEqual(['q', 'w'])
    expect([...selected]).toEqual(['model.layers.0.self_attn.v_proj', 'model.layers.1.self_attn.v_proj'])
  })
})

describe('a regular expression', () => {
  const accepted = peft.cases.filter(({ regex }) => patternProblem(regex) === undefined)

  it.each(accepted)('selects what PEFT selects: $regex', ({ regex, matches }) => {
    expect([...selectTargets({ regex }, peft.paths, () => {})]).toEqual(matches)
  })

  it('is refused only where it repeats a group', () => {
    const refused = peft.cases.filter((one) => !accepted.includes(one)).map(({ regex }) => regex)
    expect(refused).toEqual(['.*\\.layers\\.(1|2){0,1}\\..*'])
  })

  it('that matches nothing is refused by its text', () => {
    expect(() => selectTargets({ regex: '(q|v)_proj' }, paths)).toThrow(
      'target regex:(q|v)_proj matches no linear, as an expression has to match whole paths such as model.layers.0.self_attn.q_proj; this model has q_proj, v_proj, q_proj_extra'
    )
  })

  it('ends at its worst', () => {
    const regex = '.*.*.*.*.*!' // the most repetitions that are accepted, and no match
    expect(patternProblem(regex)).toMatch(/"!"/)
    const worst = '.*.*.*.*.*X'
    expect(patternProblem(worst)).toBeUndefined()
    expect(() => selectTargets({ regex: worst }, Array(300).fill(`model.${'a'.repeat(60)}`))).toThrow(
      /takes more than a second to match|matches no linear/
    )
  })
})
