import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { SecondMoments } from '../../src/engine/calibration/secondMoments'
import { encodeFloats } from '../../src/engine/formats/dtypes'
import { type TensorData, writeSafetensors } from '../../src/engine/formats/safetensorsWriter'
import { stateSize } from '../../src/engine/models/architecture'
import { hiddenStates, openAdaptedBlocks, uniform } from '../helpers/adaptedBlock'

/** Tokens in a row: more than the windows of some families, and than a chunk of a delta rule. */
const CONTEXT = 37
const RANK = 4

/**
 * Writes what Quail computes of every checkpoint in a folder: a safetensors file each, with the block's inputs `<block
 * path>/hidden`, `/seed`, `/<linear>.lora_A` … and the gradients of Σ seed · next under the same names behind `gradient.`; and
 * without the adapters Σ g gᵀ of the gradients at the outputs of each linear, `/curvature.<linear>`.
 *
 * @returns the names of the checkpoints
 */
export async function writeGradients(families: string, out: string): Promise<string[]> {
  const names = readdirSync(families).filter((name) => !name.includes('.'))
  for (const name of names)
    await writeSafetensors(join(out, `${name}.safetensors`), await gradientsOf(join(families, name)))
  return names
}

async function gradientsOf(directory: string): Promise<TensorData[]> {
  const opened = await openAdaptedBlocks(directory, { device: 'cpu', context: CONTEXT, rank: RANK })
  const { architecture, context, runner } = opened
  const tensors: TensorData[] = []
  for (let block = 0; block < architecture.blocks; block++) {
    const add = (name: string, values: Float32Array, ...shape: number[]) =>
      tensors.push({
        name: `${architecture.blockPath(block)}/${name}`,
        dtype: 'F32',
        shape,
        data: encodeFloats(values, 'F32')
      })
    const adapted = await opened.adapted(block)
    const hidden = hiddenStates(architecture, context, block)
    const seed = uniform(hidden.length, 1, 'seed', block)
    const real = new Float32Array(2 * context).fill(1)
    const gradients = await runner.backward(block, hidden, seed, real, adapted)
    const states = [2, context, stateSize(architecture)]
    add('hidden', hidden, ...states)
    add('seed', seed, ...states)
    add('gradient.hidden', gradients.hidden, ...states)
    for (const [name, { A, B }] of adapted.adapters ?? []) {
      const found = gradients.adapters.get(name)
      if (found === undefined) throw new Error(`no gradient for ${name}`)
      add(`${name}.lora_A`, A.data, A.rows, A.cols)
      add(`${name}.lora_B`, B.data, B.rows, B.cols)
      add(`gradient.${name}.lora_A`, found.A, A.rows, A.cols)
      add(`gradient.${name}.lora_B`, found.B, B.rows, B.cols)
    }
    const { adapters: _, ...plain } = adapted
    const { grams } = await runner.curvature(block, hidden, seed, real, plain)
    const linears = opened.parts.linears(block)
    const sums = new SecondMoments(linears.map(({ outFeatures }) => outFeatures))
    sums.add(grams, 1)
    for (const [place, { name, outFeatures: size }] of linears.entries()) {
      add(`curvature.${name}`, Float32Array.from(sums.take(place)), size, size)
    }
  }
  await opened.close()
  return tensors
}
