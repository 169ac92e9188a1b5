import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { elementCount } from '../../../../src/engine/formats/tensorInfo'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { modelTensors } from '../../../../src/engine/models/modelTensors'
import { readArchitecture } from '../../../../src/engine/models/registry'

/**
 * Configs as published models have them, and of how many values, parameters and stored buffers, transformers 5.23 makes such
 * a model on its meta device.
 */
const MODELS = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../fixtures/formats/mambaHybrids.json'), 'utf8')
) as Record<string, { readonly config: Record<string, unknown>; readonly values: number }>

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

describe.each(Object.entries(MODELS))('the config of %s', (_, { config, values }) => {
  it('is read, and every tensor of the model is known', () => {
    const architecture = readArchitecture(config, 'config.json')
    const parts = new ModelParts(architecture)
    const tensors = modelTensors(parts, !architecture.tiedHead).map(({ shape }) => elementCount(shape))
    const experts = Array.from({ length: architecture.blocks }, (_, block) => {
      const spec = parts.experts(block)
      return spec === undefined ? 0 : spec.count * sum(spec.tensors.map(({ shape }) => elementCount(shape)))
    })
    expect(sum(tensors) + sum(experts)).toBe(values)
  })
})
