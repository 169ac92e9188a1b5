import { expect, it } from 'vitest'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { inputBytes, scratchBytes } from '../../../../src/engine/plan/batchBytes'

const of = (pattern: string) => {
  const sizes = { hidden_size: 16, intermediate_size: 40, mamba_num_heads: 8, mamba_head_dim: 4, n_groups: 2 }
  const config = { model_type: 'nemotron_h', ...sizes, ssm_state_size: 6, hybrid_override_pattern: pattern }
  const architecture = readArchitecture(config, 'config.json')
  return { architecture, parts: new ModelParts(architecture) }
}

it('is what the inputs of the widest block take, wherever that stands', () => {
  for (const pattern of ['-M', 'M-']) expect(inputBytes(of(pattern), 10)).toEqual([16, 40].map((n) => 4 * 10 * n))
})

it('counts what states work with, where a block has some', () => {
  expect(scratchBytes(of('-*'), 10)).toEqual([])
  const [fused, channels] = [32 + 56 + 8, 56] // gate, what is convolved and time steps; x, keys and queries
  expect(scratchBytes(of('-M'), 10).slice(0, 2)).toEqual([fused, channels].map((n) => 4 * 10 * n))
})
