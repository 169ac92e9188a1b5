import { SecondMoments } from '../../src/engine/calibration/secondMoments'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { type ModelArchitecture, stateSize } from '../../src/engine/models/architecture'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { type Adapter, readBlockWeights } from '../../src/engine/models/blockWeights'
import { EmbeddingRunner } from '../../src/engine/models/embeddingRunner'
import { finalNormGraph } from '../../src/engine/models/modelGraphs'
import { ModelParts } from '../../src/engine/models/modelParts'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { PlainRunner } from '../../src/engine/models/plainRunner'
import { readArchitecture } from '../../src/engine/models/registry'
import { float64s, type GoldenTensor } from './goldenTensors'

export interface Rows {
  readonly ids: Int32Array
  /** 1 for tokens, 0 for the pads behind them. */
  readonly mask: Float32Array
  readonly context: number
}

/**
 * The whole model by Quail's parts: embedding, blocks, final norm, head.
 *
 * @param adapters - by path of the linear; without them, blocks give their Gram matrices as well
 */
export async function computeModel(
  directory: string,
  { ids, mask, context }: Rows,
  adapters?: ReadonlyMap<string, Adapter>
) {
  const checkpoint = await Checkpoint.open(directory)
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const weights = new ModelWeights(checkpoint, architecture)
  const runner = new BlockRunner(architecture, context, 'cpu')
  const parts = new ModelParts(architecture)
  const grams = new Map<string, Float64Array>()
  const linears: string[] = []
  const embedding = await EmbeddingRunner.create(architecture, weights, context, 'cpu')
  let hidden = await embedding.run(ids, mask)
  await embedding.release()
  const hiddens = [hiddenOf(architecture, hidden)]
  for (let block = 0; block < architecture.blocks; block++) {
    const blockWeights = await readBlockWeights(weights, parts, block)
    const path = architecture.blockPath(block)
    if (adapters === undefined) {
      const { next, grams: rows } = await runner.forwardWithGrams(block, hidden, mask, blockWeights)
      const moments = new SecondMoments(parts.inputs(block))
      moments.add(rows, 1) // a count of one leaves the plain sum, which is what the reference holds
      const sums = parts.inputs(block).map((_, input) => moments.take(input))
      for (const linear of parts.linears(block)) {
        linears.push(`${path}.${linear.name}`)
        grams.set(`${path}.${linear.name}`, sums[linear.input] as Float64Array)
      }
      hidden = next
    } else {
      const own = [...adapters].filter(([name]) => name.startsWith(`${path}.`))
      const relative = new Map(own.map(([name, adapter]) => [name.slice(path.length + 1), adapter]))
      hidden = await runner.forward(block, hidden, mask, { ...blockWeights, adapters: relative })
    }
    hiddens.push(hiddenOf(architecture, hidden))
  }
  const { embeddingSize, vocabularySize } = architecture
  const norm = await PlainRunner.create(finalNormGraph(architecture), weights.readParameter, 'cpu')
  const normed = await norm.run('hidden', hidden, stateSize(architecture))
  const algebra = new LinearAlgebra('cpu')
  const cap = architecture.logitSoftcap
  const head = await weights.read(architecture.head, [vocabularySize, embeddingSize])
  const logits = await algebra.gemm32(
    { data: normed, rows: ids.length, cols: embeddingSize },
    { data: head, rows: vocabularySize, cols: embeddingSize },
    { transB: true }
  )
  if (architecture.headBias !== undefined) {
    const bias = await weights.read(architecture.headBias, [vocabularySize])
    logits.data.forEach((x, i) => {
      logits.data[i] = x + (bias[i % vocabularySize] as number)
    })
  }
  if (cap !== undefined)
    logits.data.forEach((x, i) => {
      logits.data[i] = cap * Math.tanh(x / cap)
    })
  await Promise.all([algebra.release(), norm.release(), runner.release(), checkpoint.close()])
  return { logits, grams, linears, hiddens }
}

/** The hidden states [tokens, hidden] in states [tokens, state], without what blocks hand on behind them. */
function hiddenOf(architecture: ModelArchitecture, states: Float32Array): Float32Array {
  const { hiddenSize: size } = architecture
  const width = stateSize(architecture)
  const tokens = states.length / width
  const hidden = new Float32Array(tokens * size)
  for (let i = 0; i < tokens; i++) hidden.set(states.subarray(i * width, i * width + size), i * size)
  return hidden
}

/** Rows of a golden file: tokens, their mask, and how long a row is. */
export function rowsOf(tensors: ReadonlyMap<string, GoldenTensor>): Rows {
  const [ids, mask] = ['input_ids', 'attention_mask'].map((name) => tensors.get(name) as GoldenTensor)
  return {
    ids: Int32Array.from(float64s(ids as GoldenTensor)),
    mask: Float32Array.from(float64s(mask as GoldenTensor)),
    context: ids?.shape[1] as number
  }
}

/** Of all values. */
export const standardDeviation = (values: Float64Array): number => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
}

/** Largest difference over the tokens, pads left out; values are [tokens, width]. */
export function worstDifference(own: ArrayLike<number>, reference: ArrayLike<number>, mask: Float32Array): number {
  if (own.length !== reference.length) throw new Error(`${own.length} values against ${reference.length}`)
  const width = own.length / mask.length
  let worst = 0
  for (let i = 0; i < own.length; i++) {
    if (mask[Math.floor(i / width)] === 0) continue
    const difference = Math.abs((own[i] as number) - (reference[i] as number))
    if (!(difference <= worst)) worst = difference // NaN is the worst of all
  }
  return worst
}
