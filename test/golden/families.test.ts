import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SecondMoments } from '../../src/engine/calibration/secondMoments'
import { Checkpoint } from '../../src/engine/formats/checkpoint'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import { EmbeddingRunner } from '../../src/engine/models/embeddingRunner'
import { finalNormGraph } from '../../src/engine/models/modelGraphs'
import { ModelWeights } from '../../src/engine/models/modelWeights'
import { PlainRunner } from '../../src/engine/models/plainRunner'
import { readArchitecture, SUPPORTED_MODEL_TYPES } from '../../src/engine/models/registry'
import { float64s, readGoldenTensors } from '../helpers/goldenTensors'
import { goldenDirectory } from '../helpers/paths'

const directory = join(goldenDirectory(), 'families')
const configOf = (name: string) => JSON.parse(readFileSync(join(directory, name, 'config.json'), 'utf8'))
const cases = readdirSync(directory).filter(
  (name) =>
    existsSync(join(directory, name, 'expected.safetensors')) &&
    SUPPORTED_MODEL_TYPES.includes(configOf(name).model_type)
)
const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as Record<
  string,
  { linears: string[]; nll_mean: number; tokens: number }
>

/** The whole model by Quail's parts: embedding, blocks with Gram matrices, final norm, head. */
async function computeModel(name: string, ids: Int32Array, mask: Float32Array, context: number) {
  const checkpoint = await Checkpoint.open(join(directory, name))
  const architecture = readArchitecture(checkpoint.config, 'config.json')
  const weights = new ModelWeights(checkpoint, architecture)
  const runner = new BlockRunner(architecture, context, 'cpu')
  const grams = new Map<string, Float64Array>()
  const linears: string[] = []
  const embedding = await EmbeddingRunner.create(architecture, weights, context, 'cpu')
  let hidden = await embedding.run(ids, mask)
  await embedding.release()
  const hiddens = [hidden]
  for (let block = 0; block < architecture.blocks; block++) {
    const blockWeights = await runner.readWeights(weights, block)
    const { next, grams: rows } = await runner.forwardWithGrams(block, hidden, mask, blockWeights)
    const moments = new SecondMoments(runner.inputs(block))
    moments.add(rows, 1) // a count of one leaves the plain sum, which is what the reference holds
    const sums = runner.inputs(block).map((_, input) => moments.take(input))
    for (const linear of runner.linears(block)) {
      linears.push(`${architecture.blockPath(block)}.${linear.name}`)
      grams.set(`${architecture.blockPath(block)}.${linear.name}`, sums[linear.input] as Float64Array)
    }
    hidden = next
    hiddens.push(hidden)
  }
  const { hiddenSize, embeddingSize, vocabularySize } = architecture
  const norm = await PlainRunner.create(finalNormGraph(architecture), weights.readParameter, 'cpu')
  const normed = await norm.run('hidden', hidden, hiddenSize)
  const algebra = new LinearAlgebra('cpu')
  const cap = architecture.logitSoftcap
  const head = await weights.read(architecture.head, [vocabularySize, embeddingSize])
  const logits = await algebra.gemm32(
    { data: normed, rows: ids.length, cols: embeddingSize },
    { data: head, rows: vocabularySize, cols: embeddingSize },
    { transB: true }
  )
  if (cap !== undefined)
    logits.data.forEach((x, i) => {
      logits.data[i] = cap * Math.tanh(x / cap)
    })
  await Promise.all([algebra.release(), norm.release(), runner.release(), checkpoint.close()])
  return { logits, grams, linears, hiddens }
}

const standardDeviation = (values: Float64Array): number => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
}

describe.each(cases)('model %s', (name) => {
  const expected = readGoldenTensors(join(directory, name, 'expected.safetensors'))
  const tensor = (key: string) => float64s(expected.get(key) as NonNullable<ReturnType<typeof expected.get>>)
  const [rows = 0, context = 0] = expected.get('input_ids')?.shape ?? []
  const ids = Int32Array.from(tensor('input_ids'))
  const mask = Float32Array.from(tensor('attention_mask'))
  const computed = computeModel(name, ids, mask, context)

  it('has the linears of the reference, in order of execution', async () => {
    expect((await computed).linears).toEqual(index[name]?.linears)
  })

  it('gives logits within 1e-4 of their standard deviation', async () => {
    // Two float32 libraries add up in different orders; 1e-4 of the spread is far above that and far below any defect.
    const { logits } = await computed
    const reference = tensor('logits')
    const tolerance = 1e-4 * standardDeviation(reference)
    let worst = 0
    for (let i = 0; i < reference.length; i++) {
      if (mask[Math.floor(i / logits.cols)] === 0) continue
      worst = Math.max(worst, Math.abs((reference[i] ?? 0) - (logits.data[i] ?? 0)))
    }
    expect(worst).toBeLessThan(tolerance)
  })

  it('gives the mean negative log likelihood within 1e-5', async () => {
    const { logits } = await computed
    let total = 0
    let count = 0
    for (let row = 0; row < rows; row++) {
      for (let t = row * context; t < (row + 1) * context - 1; t++) {
        if (mask[t + 1] === 0) continue
        const values = logits.data.subarray(t * logits.cols, (t + 1) * logits.cols)
        const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
        const sum = values.reduce((a, b) => a + Math.exp(b - max), 0)
        total += max + Math.log(sum) - (values[ids[t + 1] as number] ?? 0)
        count++
      }
    }
    expect(count).toBe(index[name]?.tokens)
    expect(Math.abs(total / count - (index[name]?.nll_mean ?? 0))).toBeLessThan(1e-5 * (index[name]?.nll_mean ?? 0))
  })

  it('gives every Gram matrix within 1e-5 of its norm', async () => {
    const { grams } = await computed
    for (const linear of index[name]?.linears ?? []) {
      const reference = tensor(`gram.${linear}`)
      const own = grams.get(linear) as Float64Array
      const error = Math.sqrt(reference.reduce((sum, x, i) => sum + (x - (own[i] ?? 0)) ** 2, 0))
      expect(error, linear).toBeLessThan(1e-5 * Math.sqrt(reference.reduce((sum, x) => sum + x * x, 0)))
    }
  })

  it('gives every hidden state of the reference', async () => {
    const { hiddens } = await computed
    for (let block = 0; block < hiddens.length - 1; block++) {
      const reference = tensor(`hidden.${block}`)
      const own = hiddens[block] as Float32Array
      const width = own.length / ids.length
      const tolerance = 1e-4 * standardDeviation(reference)
      const worst = reference.reduce(
        (max, x, i) => (mask[Math.floor(i / width)] === 0 ? max : Math.max(max, Math.abs(x - (own[i] ?? 0)))),
        0
      )
      expect(worst, `hidden.${block}`).toBeLessThan(tolerance)
    }
  })
})
