import { SecondMoments } from '../src/engine/calibration/secondMoments'
import { LinearAlgebra } from '../src/engine/graph/linearAlgebra'
import { BlockRunner } from '../src/engine/models/blockRunner'
import { ModelParts } from '../src/engine/models/modelParts'
import { readArchitecture } from '../src/engine/models/registry'
import type { Matrix32 } from '../src/engine/numerics/matrix'
import { type LlamaShape, llamaConfig } from './makeCheckpoint'
import { blockParameters, randomMatrix } from './randomBlock'
import type { BenchOptions, Section } from './section'
import { duration, median, percent, secondsOf } from './statistics'

const SIZES: readonly Pick<LlamaShape, 'hidden' | 'intermediate' | 'heads' | 'keyValueHeads'>[] = [
  { hidden: 576, intermediate: 1536, heads: 9, keyValueHeads: 3 },
  { hidden: 1024, intermediate: 2816, heads: 16, keyValueHeads: 4 },
  { hidden: 2048, intermediate: 5632, heads: 32, keyValueHeads: 4 }
]
const CONTEXT = 256
const TOKENS = 2048
/** Side of the large product that stands for what the machine can do. */
const LARGE = 2048

/** Speed of the forward pass with second moments as a share of onnxruntime's own matrix products. */
export async function measureForward({ quick }: BenchOptions): Promise<Section> {
  const rows: string[][] = []
  for (const size of quick ? SIZES.slice(0, 1) : SIZES) rows.push(await measureSize(size, quick ? 2 : 7))
  return {
    title: 'Forward pass and second moments',
    text: [
      `One LLaMA block, a batch of ${TOKENS} tokens in rows of ${CONTEXT}: next hidden states, the second moments of all four ` +
        'distinct inputs (float32 sums of eight batches, added up in float64), norms, rotary positions and attention. ' +
        'Its speed counts the products of the linears (2 · weights · tokens), of the second moments (2 · Σn² · tokens) ' +
        'and of attention (4 · context · width · tokens), and nothing else.',
      'Beside it, in turn in the same process, run the bare products of the linears and of the second moments in the same ' +
        `shapes through onnxruntime's Gemm, and one large product (${LARGE} × ${LARGE} × ${LARGE}). Shares are medians over the rounds.`
    ],
    columns: [
      'block',
      'pass',
      'bare products',
      'speed of the pass',
      'share of the same products',
      'share of a large product'
    ],
    rows,
    verdicts: []
  }
}

async function measureSize(size: (typeof SIZES)[number], rounds: number): Promise<string[]> {
  const config = llamaConfig({ ...size, blocks: 1, vocabulary: 1024 })
  const architecture = readArchitecture(config, 'config.json')
  const runner = new BlockRunner(architecture, CONTEXT, 'cpu')
  const parts = new ModelParts(architecture)
  const algebra = new LinearAlgebra('cpu')
  const pass = preparePass(runner, parts, size.hidden)
  const products = prepareProducts(parts, algebra)
  const large = randomMatrix(LARGE, LARGE)
  const largeFlops = 2 * LARGE ** 3
  const measured: { pass: number; products: number; large: number }[] = []
  for (let round = -1; round < rounds; round++) {
    const seconds = {
      pass: await secondsOf(pass),
      products: await secondsOf(products.run),
      large: await secondsOf(() => algebra.gemm32(large, large, { transB: true }))
    }
    if (round >= 0) measured.push(seconds)
  }
  await runner.release()
  await algebra.release()
  const flops = products.flops + 4 * CONTEXT * size.hidden * TOKENS
  const passSeconds = median(measured.map((one) => one.pass))
  return [
    `hidden ${size.hidden}, intermediate ${size.intermediate}`,
    duration(passSeconds),
    duration(median(measured.map((one) => one.products))),
    `${(flops / passSeconds / 1e9).toFixed(0)} GFLOP/s`,
    percent(median(measured.map((one) => flops / one.pass / (products.flops / one.products)))),
    percent(median(measured.map((one) => flops / one.pass / (largeFlops / one.large))))
  ]
}

/** What the engine does with each batch of calibration rows. */
function preparePass(runner: BlockRunner, parts: ModelParts, hiddenSize: number): () => Promise<void> {
  const weights = blockParameters(parts)
  const hidden = randomMatrix(TOKENS, hiddenSize, 1).data
  const mask = new Float32Array(TOKENS).fill(1)
  const moments = new SecondMoments(parts.inputs(0))
  return async () => {
    const { grams } = await runner.forwardWithGrams(0, hidden, mask, weights, true)
    moments.add(grams, TOKENS)
  }
}

/** The products of the linears and of the second moments alone, each as one Gemm. */
function prepareProducts(parts: ModelParts, algebra: LinearAlgebra) {
  const inputs = parts.inputs(0).map((features) => randomMatrix(TOKENS, features, 1))
  const linears = parts.linears(0).map(({ input, outFeatures, inFeatures }) => ({
    x: inputs[input] as Matrix32,
    W: randomMatrix(outFeatures, inFeatures)
  }))
  const weights = linears.reduce((sum, { W }) => sum + W.data.length, 0)
  const squares = inputs.reduce((sum, { cols }) => sum + cols ** 2, 0)
  const run = async () => {
    for (const { x, W } of linears) await algebra.gemm32(x, W, { transB: true })
    for (const x of inputs) await algebra.gemm32(x, x, { transA: true })
  }
  return { run, flops: 2 * TOKENS * (weights + squares) }
}
