import { BlockRunner } from '../src/engine/models/blockRunner'
import type { Adapter, BlockWeights } from '../src/engine/models/blockWeights'
import { ModelParts } from '../src/engine/models/modelParts'
import { readArchitecture } from '../src/engine/models/registry'
import { llamaConfig } from './makeCheckpoint'
import { blockParameters, randomMatrix } from './randomBlock'
import type { BenchOptions, Section } from './section'
import { duration, median, secondsOf } from './statistics'

const SIZES = [
  { hidden: 576, intermediate: 1536, heads: 9, keyValueHeads: 3 },
  { hidden: 2048, intermediate: 5632, heads: 32, keyValueHeads: 4 }
]
const CONTEXT = 256
const TOKENS = 2048
const RANK = 16

/** Time of a block's gradient beside that of its forward pass. */
export async function measureBackward({ quick }: BenchOptions): Promise<Section> {
  const rows: string[][] = []
  for (const size of quick ? SIZES.slice(0, 1) : SIZES) rows.push(await measureSize(size, quick ? 2 : 7))
  return {
    title: 'Gradients of a block',
    text: [
      `One LLaMA block with adapters of rank ${RANK} beside its seven linears, a batch of ${TOKENS} tokens in rows of ` +
        `${CONTEXT}, in turn in one process: the next hidden states, and the gradients of the hidden states and of all ` +
        'adapters, for which the block is computed anew. Twice the products of the forward pass are the least: once ' +
        'forward, once back to the inputs; none is made for the weights of the base.'
    ],
    columns: ['block', 'forward', 'gradients', 'ratio'],
    rows,
    verdicts: []
  }
}

async function measureSize(size: (typeof SIZES)[number], rounds: number): Promise<string[]> {
  const architecture = readArchitecture(llamaConfig({ ...size, blocks: 1, vocabulary: 1024 }), 'config.json')
  const runner = new BlockRunner(architecture, CONTEXT, 'cpu')
  const weights = withAdapters(new ModelParts(architecture))
  const hidden = randomMatrix(TOKENS, size.hidden, 1).data
  const gradient = randomMatrix(TOKENS, size.hidden, 1).data
  const real = new Float32Array(TOKENS).fill(1)
  const measured: { forward: number; backward: number }[] = []
  for (let round = -1; round < rounds; round++) {
    const seconds = {
      forward: await secondsOf(async () => void (await runner.forward(0, hidden, real, weights))),
      backward: await secondsOf(async () => void (await runner.backward(0, hidden, gradient, real, weights)))
    }
    if (round >= 0) measured.push(seconds)
  }
  await runner.release()
  return [
    `hidden ${size.hidden}, intermediate ${size.intermediate}`,
    duration(median(measured.map(({ forward }) => forward))),
    duration(median(measured.map(({ backward }) => backward))),
    median(measured.map(({ forward, backward }) => backward / forward)).toFixed(2)
  ]
}

function withAdapters(parts: ModelParts): BlockWeights {
  const adapters = new Map(
    parts
      .linears(0)
      .map(({ name, inFeatures, outFeatures }): [string, Adapter] => [
        name,
        { A: randomMatrix(RANK, inFeatures), B: randomMatrix(outFeatures, RANK) }
      ])
  )
  return { ...blockParameters(parts), adapters }
}
