import { describe, expect, it } from 'vitest'
import { selectTargets } from '../../../../src/engine/models/targets'

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
