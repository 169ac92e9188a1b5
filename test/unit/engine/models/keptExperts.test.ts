import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Checkpoint, type StoredBits } from '../../../../src/engine/formats/checkpoint'
import { decodeFloats, float32ToBfloat16 } from '../../../../src/engine/formats/dtypes'
import type { ExpertsSpec } from '../../../../src/engine/models/experts'
import { type Asked, expertReader, type ReadExpert } from '../../../../src/engine/models/expertWeights'
import { ExpertMemory, expertBytes, keptExperts } from '../../../../src/engine/models/keptExperts'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { ModelWeights, type TensorPart } from '../../../../src/engine/models/modelWeights'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { bytesOf } from '../../../../src/engine/numerics/bytesOf'
import { copyCheckpoint, familyDirectory } from '../../../helpers/checkpoints'

/** Counts what is read. */
class CountedWeights extends ModelWeights {
  reads = 0

  override readPart(part: TensorPart, into?: Float32Array): Promise<Float32Array> {
    this.reads++
    return super.readPart(part, into)
  }

  override readPartBits(part: TensorPart, into?: Uint16Array): Promise<StoredBits | undefined> {
    this.reads++
    return super.readPartBits(part, into)
  }
}

async function opened(directory = familyDirectory('mixtral')) {
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

  it('are kept as the bits that they are stored in where these are asked for, and as values once these are', async () => {
    const model = copyCheckpoint(familyDirectory('mixtral'), (tensor) => {
      const values = new Float32Array(Uint8Array.from(tensor.data).buffer)
      return { ...tensor, dtype: 'BF16', data: new Uint8Array(float32ToBfloat16(values).buffer) }
    })
    const { parts, weights, spec, checkpoint } = await opened(model)
    const memory = new ExpertMemory(2 * expertBytes(spec))
    const plain = expertReader(weights, parts, 0) as ReadExpert
    const kept = expertReader(weights, parts, 0, memory) as ReadExpert
    const [asBits, once] = [
      { bits: true, once: false },
      { bits: true, once: true }
    ]
    const decoded = async (expert: number, asked: Asked) =>
      Object.values(await kept(expert, asked)).map((tensor) => {
        if ('data' in tensor) return ['values', [...tensor.data]]
        const values = new Float32Array(tensor.bits.data.length)
        decodeFloats(bytesOf(tensor.bits.data), tensor.bits.dtype, values)
        return ['bits', [...values]]
      })
    const expected = async (expert: number, kind: 'bits' | 'values') =>
      Object.values(await plain(expert)).map(({ data }) => [kind, [...data]])
    const inputs = spec.tensors.length
    const reads = async (experts: readonly number[], asked: Asked) => {
      weights.reads = 0
      for (const expert of experts) await kept(expert, asked)
      return weights.reads / inputs
    }
    // What is asked for once takes no memory, which those have that are asked for then.
    expect(await decoded(3, once)).toEqual(await expected(3, 'bits'))
    for (const expert of [2, 0, 1]) expect(await decoded(expert, asBits)).toEqual(await expected(expert, 'bits'))
    expect(await reads([2, 0], asBits)).toBe(0)
    expect(await reads([1, 3], asBits)).toBe(2)
    expect(await decoded(0, asBits)).toEqual(await expected(0, 'bits'))
    const asValues = { bits: false, once: false }
    expect(await decoded(0, asValues)).toEqual(await expected(0, 'values'))
    expect(await reads([0], asValues)).toBe(0)
    expect(await reads([0, 2], asBits)).toBe(0)
    expect(await decoded(2, asBits)).toEqual(await expected(2, 'bits'))
    await checkpoint.close()
    rmSync(model, { recursive: true })
  })

  it('are not more than there are, and none without memory', async () => {
    const { spec, checkpoint } = await opened()
    expect(keptExperts(spec, Number.MAX_SAFE_INTEGER)).toBe(spec.count)
    expect(keptExperts(spec, expertBytes(spec) - 1)).toBe(0)
    await checkpoint.close()
  })
})
