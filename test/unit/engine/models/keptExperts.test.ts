import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import type { ExpertsSpec } from '../../../../src/engine/models/experts'
import { expertReader } from '../../../../src/engine/models/expertWeights'
import { ExpertMemory, expertBytes, keptExperts } from '../../../../src/engine/models/keptExperts'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { ModelWeights, type TensorPart } from '../../../../src/engine/models/modelWeights'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { familyDirectory } from '../../../helpers/checkpoints'

/** Counts what is read. */
class CountedWeights extends ModelWeights {
  reads = 0

  override readPart(part: TensorPart, into?: Float32Array): Promise<Float32Array> {
    this.reads++
    return super.readPart(part, into)
  }
}

async function opened() {
  const directory = familyDirectory('mixtral')
  const checkpoint = await Checkpoint.open(directory)
  const architecture = readArchitecture(checkpoint.config, join(directory, 'config.json'))
  const parts = new ModelParts(architecture)
  return {
    parts,
    weights: new CountedWeights(checkpoint, architecture),
    spec: parts.experts(0) as ExpertsSpec,
    checkpoint
  }
}

describe('experts of a block', () => {
  it('are read once where there is memory for them, and the others each time; what is read is the same', async () => {
    const { parts, weights, spec, checkpoint } = await opened()
    const memory = new ExpertMemory(2.5 * expertBytes(spec))
    expect(keptExperts(spec, memory.bytes)).toBe(2)
    const plain = [expertReader(weights, parts, 0), expertReader(weights, parts, 1)]
    const kept = [expertReader(weights, parts, 0, memory), expertReader(weights, parts, 1, memory)]
    // Blocks in turns: the memory passes from one to the other, and back.
    for (const block of [0, 0, 1, 0]) {
      for (const expert of [0, 1, 2, 3, 1, 0]) {
        const expected = await plain[block]?.(expert)
        const found = await kept[block]?.(expert)
        expect(Object.keys(found ?? {})).toEqual(Object.keys(expected ?? {}))
        for (const [input, tensor] of Object.entries(expected ?? {})) {
          expect(found?.[input]?.shape).toEqual(tensor.shape)
          expect(found?.[input]?.data).toEqual(tensor.data)
        }
      }
    }
    weights.reads = 0
    for (let batch = 0; batch < 5; batch++) for (let expert = 0; expert < spec.count; expert++) await kept[1]?.(expert)
    const perExpert = spec.tensors.length
    expect(weights.reads).toBe(perExpert * (2 + 5 * (spec.count - 2)))
    await checkpoint.close()
  })

  it('are not more than there are, and none without memory', async () => {
    const { spec, checkpoint } = await opened()
    expect(keptExperts(spec, Number.MAX_SAFE_INTEGER)).toBe(spec.count)
    expect(keptExperts(spec, expertBytes(spec) - 1)).toBe(0)
    await checkpoint.close()
  })
})
