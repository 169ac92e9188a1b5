import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { familyDirectory } from '../../../helpers/checkpoints'
import { exportedBase } from '../../../helpers/exportedBase'
import { readGoldenTensors } from '../../../helpers/goldenTensors'

const KEPT = ['lm_head', 'prediction_coefs', 'correction_coefs', 'modality_router']
const TOLD = `llm_int8_skip_modules=[${KEPT.map((name) => `"${name}"`).join(', ')}]`

describe.each(['gemma3n_text', 'gemma3n'])('of %s, what no base may quantize', (name) => {
  it('is named where the checkpoint is inspected, and is none of its linears', async () => {
    const { warnings, model } = await inspectPath(familyDirectory(name))
    expect(warnings).toEqual([expect.stringContaining(TOLD)])
    const names = model?.linears.map(({ name }) => name) ?? []
    expect(names.filter((path) => path.includes('laurel.')).length).toBeGreaterThan(0)
    expect(names.filter((path) => path.includes('.altup.'))).toEqual([])
  })

  it('is in full precision in an exported base, whose config.json says so to transformers', async () => {
    const base = await exportedBase(familyDirectory(name))
    const config = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8'))
    expect(config.quantization_config.llm_int8_skip_modules).toEqual(KEPT)
    const tensors = [...readGoldenTensors(join(base, 'model.safetensors'))]
    const packed = tensors.filter(([tensor]) => tensor.includes('.weight.absmax'))
    expect(packed.filter(([tensor]) => tensor.includes('.altup.'))).toEqual([])
    expect(packed.filter(([tensor]) => tensor.includes('altup_projections.')).length).toBeGreaterThan(0)
  })
})

it('is nothing in other families', () => {
  expect(readArchitecture({ model_type: 'gemma4_text' }, 'config.json').kept).toBeUndefined()
})
