import { SecondMoments } from '../src/engine/calibration/secondMoments'
import { type Matrix64, zeros64 } from '../src/engine/numerics/matrix'
import { seededRandom } from '../src/engine/numerics/random'
import { type PreparedRun, prepareRun } from '../src/engine/run/prepareRun'
import { benchRecord } from './benchRecord'
import { fillGaussian } from './gaussian'

/** A weight [out, in] to be quantized, and the second moment [in, in] of its inputs. */
export interface SolverProblem {
  readonly name: string
  readonly W: Float32Array
  readonly H: Matrix64
  readonly outFeatures: number
  readonly inFeatures: number
}

const SAMPLE_MODEL = 'resources/sample/model'
const BLOCK = 1
const CHOSEN = ['self_attn.q_proj', 'self_attn.o_proj', 'mlp.gate_proj', 'mlp.down_proj']

/** Linears of one block of the sample model with their true second moments over the calibration text. */
export async function sampleProblems(rows: number): Promise<SolverProblem[]> {
  const sizes = { model: SAMPLE_MODEL, context: 256, calibrationRows: rows, evaluationRows: 1, rank: 16 }
  const record = await benchRecord('.', sizes)
  const prepared = await prepareRun(record.recipe, record, '.')
  try {
    const { runner, weights } = prepared
    const moments = await momentsOfBlock(prepared)
    const { linears } = await runner.readWeights(weights, BLOCK)
    const H = runner.inputs(BLOCK).map((size, i) => ({ data: moments.take(i), rows: size, cols: size }))
    return runner
      .linears(BLOCK)
      .filter(({ name }) => CHOSEN.includes(name))
      .map(({ name, input, outFeatures, inFeatures }) => ({
        name: name.slice(name.indexOf('.') + 1),
        W: linears.get(name) as Float32Array,
        H: H[input] as Matrix64,
        outFeatures,
        inFeatures
      }))
  } finally {
    await prepared.release()
  }
}

async function momentsOfBlock({ runner, weights, calibration }: PreparedRun): Promise<SecondMoments> {
  let hidden = weights.embed(calibration.ids)
  const mask = new Float32Array(calibration.ids.length).fill(1)
  for (let block = 0; block < BLOCK; block++) {
    hidden = await runner.forward(block, hidden, mask, await runner.readWeights(weights, block))
  }
  const { grams } = await runner.forwardWithGrams(BLOCK, hidden, mask, await runner.readWeights(weights, BLOCK))
  const moments = new SecondMoments(runner.inputs(BLOCK))
  moments.add(grams, calibration.tokenCount)
  return moments
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
