import { SecondMoments } from '../src/engine/calibration/secondMoments'
import { BlockRunner } from '../src/engine/models/blockRunner'
import { readBlockWeights } from '../src/engine/models/blockWeights'
import type { Matrix64 } from '../src/engine/numerics/matrix'
import type { PreparedRun } from '../src/engine/prepare/preparedRun'
import { prepareRun } from '../src/engine/prepare/prepareRun'
import { benchRecord } from './benchRecord'
import type { SolverProblem } from './syntheticProblem'

const SAMPLE_MODEL = 'resources/sample/model'
const BLOCK = 1
const CHOSEN = ['self_attn.q_proj', 'self_attn.o_proj', 'mlp.gate_proj', 'mlp.down_proj']

/** Linears of one block of the sample model with their true second moments over the calibration text. */
export async function sampleProblems(rows: number): Promise<SolverProblem[]> {
  const sizes = { model: SAMPLE_MODEL, context: 256, calibrationRows: rows, evaluationRows: 1, rank: 16 }
  const record = await benchRecord('.', sizes)
  const prepared = await prepareRun(record.recipe, record, '.')
  try {
    const { parts, weights } = prepared
    const moments = await momentsOfBlock(prepared)
    const { linears } = await readBlockWeights(weights, parts, BLOCK)
    const H = parts.inputs(BLOCK).map((size, i) => ({ data: moments.take(i), rows: size, cols: size }))
    return parts
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

async function momentsOfBlock({
  architecture,
  recipe,
  parts,
  weights,
  calibration
}: PreparedRun): Promise<SecondMoments> {
  const runner = new BlockRunner(architecture, recipe.context, recipe.device)
  let hidden = weights.embed(calibration.ids)
  const mask = new Float32Array(calibration.ids.length).fill(1)
  for (let block = 0; block < BLOCK; block++) {
    hidden = await runner.forward(block, hidden, mask, await readBlockWeights(weights, parts, block))
  }
  const { grams } = await runner.forwardWithGrams(BLOCK, hidden, mask, await readBlockWeights(weights, parts, BLOCK))
  const moments = new SecondMoments(parts.inputs(BLOCK))
  moments.add(grams, calibration.tokenCount)
  await runner.release()
  return moments
}
