import { type Matrix64, zeros64 } from '../src/engine/numerics/matrix'
import { seededRandom } from '../src/engine/numerics/random'
import { fillGaussian } from './gaussian'

/** A weight [out, in] to be quantized, and the second moment [in, in] of its inputs. */
export interface SolverProblem {
  readonly name: string
  readonly W: Float32Array
  readonly H: Matrix64
  readonly outFeatures: number
  readonly inFeatures: number
}

const REFLECTIONS = 8

/** A normal weight, and an H whose i-th eigenvalue is 1/i in a random basis (a product of a few reflections). */
export function syntheticProblem(outFeatures: number, inFeatures: number): SolverProblem {
  const random = seededRandom('solver', outFeatures, inFeatures)
  const W = new Float32Array(outFeatures * inFeatures)
  fillGaussian(W, 0.02, random)
  const H = zeros64(inFeatures, inFeatures)
  for (let i = 0; i < inFeatures; i++) H.data[i * inFeatures + i] = 1 / (i + 1)
  const v = new Float64Array(inFeatures)
  for (let k = 0; k < REFLECTIONS; k++) {
    fillGaussian(v, 1, random)
    reflectBothSides(H, v)
  }
  return { name: 'synthetic', W, H, outFeatures, inFeatures }
}

/** H ← P H P with P = I − 2vvᵀ/vᵀv, as H − v wᵀ − w vᵀ. */
function reflectBothSides({ data, rows: n }: Matrix64, v: Float64Array): void {
  const at = (values: Float64Array, i: number): number => values[i] as number
  const beta = 2 / v.reduce((sum, value) => sum + value * value, 0)
  const Hv = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0
    for (let j = 0; j < n; j++) sum += at(data, i * n + j) * at(v, j)
    return beta * sum
  })
  const half = (beta / 2) * Hv.reduce((sum, value, i) => sum + value * at(v, i), 0)
  const w = Hv.map((value, i) => value - half * at(v, i))
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) data[i * n + j] = at(data, i * n + j) - at(v, i) * at(w, j) - at(w, i) * at(v, j)
  }
}
