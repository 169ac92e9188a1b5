import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { familyDirectory } from '../../../helpers/checkpoints'
import { exportedBase } from '../../../helpers/exportedBase'
import { readGoldenTensors } from '../../../helpers/goldenTensors'

const ALTUP = ['lm_head', 'prediction_coefs', 'correction_coefs', 'modality_router']
const MAMBA = ['lm_head', 'out_proj']

/** With what names of kept linears contain, and what those of linears beside them do. */
const CASES = [
  ['gemma3n_text', ALTUP, '.altup.', ['laurel.'], 'altup_projections.'],
  ['gemma3n', ALTUP, '.altup.', ['laurel.'], 'altup_projections.'],
  ['granitemoehybrid-mamba', MAMBA, '.out_proj', ['mamba.in_proj', 'self_attn.o_proj'], 'mamba.in_proj'],
  ['nemotron_h', MAMBA, '.out_proj', ['mixer.in_proj', 'mixer.o_proj'], 'mixer.in_proj'],
  ['falcon_h1', MAMBA, '.out_proj', ['mamba.in_proj', 'self_attn.o_proj'], 'mamba.in_proj'],
  ['bamba', MAMBA, '.out_proj', ['mamba.in_proj', 'self_attn.o_proj'], 'mamba.in_proj']
] as const

describe.each(CASES)('of %s, what no base may quantize', (name, kept, own, linears, quantized) => {
  it('is named where the checkpoint is inspected, and is none of its linears', async () => {
    const { warnings, model } = await inspectPath(familyDirectory(name))
    const told = `llm_int8_skip_modules=[${kept.map((module) => `"${module}"`).join(', ')}]`
    expect(warnings).toContainEqual(expect.stringContaining(told))
    const names = model?.linears.map(({ name }) => name) ?? []
    for (const linear of linears) expect(names.filter((path) => path.includes(linear)).length).toBeGreaterThan(0)
    expect(names.filter((path) => path.includes(own))).toEqual([])
  })

  it('is in full precision in an exported base, whose config.json says so to transformers', async () => {
    const base = await exportedBase(familyDirectory(name))
    const config = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8'))
    expect(config.quantization_config.llm_int8_skip_modules).toEqual(kept)
    const tensors = [...readGoldenTensors(join(base, 'model.safetensors'))]
    const packed = tensors.filter(([tensor]) => tensor.includes('.weight.absmax'))
    expect(packed.filter(([tensor]) => tensor.includes(own))).toEqual([])
    expect(packed.filter(([tensor]) => tensor.includes(quantized)).length).toBeGreaterThan(0)
  })
})

it('is nothing in other families', () => {
  expect(readArchitecture({ model_type: 'gemma4_text' }, 'config.json').kept).toBeUndefined()
  const attending = { model_type: 'granitemoehybrid', num_hidden_layers: 1, layer_types: ['attention'] }
  expect(readArchitecture(attending, 'config.json').kept).toBeUndefined()
})
