import type { BlockWeights } from '../src/engine/models/blockWeights'
import type { ModelParts } from '../src/engine/models/modelParts'
import type { Matrix32 } from '../src/engine/numerics/matrix'
import { seededRandom } from '../src/engine/numerics/random'
import { fillGaussian } from './gaussian'

/** A matrix of normal numbers, the same for the same shape. */
export function randomMatrix(rows: number, cols: number, deviation = 0.02): Matrix32 {
  const data = new Float32Array(rows * cols)
  fillGaussian(data, deviation, seededRandom('forward', rows, cols))
  return { data, rows, cols }
}

/** Random weights of the first block's linears, and ones for everything else that it reads. */
export function blockParameters(parts: ModelParts): BlockWeights {
  const linears = new Map(
    parts.linears(0).map(({ name, inFeatures, outFeatures }) => [name, randomMatrix(outFeatures, inFeatures).data])
  )
  const names = new Set([...linears.keys()].map((name) => `${name}.weight`))
  const rest = parts.tensors(0).filter(({ name }) => !names.has(name))
  const parameters = Object.fromEntries(
    rest.map(({ name, shape }) => [name, { data: new Float32Array(shape[0] ?? 0).fill(1), shape }])
  )
  return { linears, parameters }
}
