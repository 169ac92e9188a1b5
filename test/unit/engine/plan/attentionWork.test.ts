import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { attentionFlops } from '../../../../src/engine/plan/attentionWork'
import { familyDirectory } from '../../../helpers/checkpoints'

const stored = JSON.parse(readFileSync(join(familyDirectory('qwen3_5_text'), 'config.json'), 'utf8'))

const flopsOf = (types: readonly string[]): number => {
  const architecture = readArchitecture({ ...stored, layer_types: types }, 'config.json')
  return attentionFlops({ architecture, parts: new ModelParts(architecture), recipe: { context: 32 } })
}

it('counts those twice that lead to experts with which the block goes on, and their linears', () => {
  const config = JSON.parse(readFileSync(join(familyDirectory('gemma4_text-experts'), 'config.json'), 'utf8'))
  const architecture = readArchitecture(config, 'config.json')
  const parts = new ModelParts(architecture)
  expect(attentionFlops({ architecture, parts, recipe: { context: 32 } })).toBe(2 * 3 * 4 * config.hidden_size * 16)
  expect(parts.leading(0).map(({ name }) => name)).toEqual([
    'self_attn.q_proj',
    'self_attn.k_proj',
    'self_attn.v_proj',
    'self_attn.o_proj',
    'router.proj'
  ])
})

it('counts the layers that compare tokens with tokens, and no others', () => {
  const types: string[] = stored.layer_types
  const full = types.filter((type) => type === 'full_attention').length
  expect(full).toBeGreaterThan(0)
  expect(full).toBeLessThan(types.length)
  expect(flopsOf(types)).toBe(full * 4 * stored.hidden_size * 16)
  expect(flopsOf(types.map(() => 'full_attention'))).toBe(types.length * 4 * stored.hidden_size * 16)
})
