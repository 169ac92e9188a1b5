import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCheckpoint } from './makeCheckpoint'
import { measureRun } from './measureRun'
import type { BenchOptions, Section } from './section'
import { duration, mebibytes } from './statistics'

const SHAPE = { hidden: 512, intermediate: 1408, heads: 8, keyValueHeads: 4, vocabulary: 8192 }
const SMALL = { hidden: 128, intermediate: 352, heads: 4, keyValueHeads: 2, vocabulary: 4096 }
/** No stream fits, so all hidden states live in files. */
const MEMORY_BUDGET = 2 ** 20
const LIMIT_GROWTH = 0.15

/** Peak memory of whole runs on checkpoints that differ in depth only. */
export async function measureMemory({ quick, folder }: BenchOptions): Promise<Section> {
  const depths = quick ? [2, 4] : [2, 4, 8, 16]
  const peaks: { blocks: number; parameters: number; peakBytes: number; wallSeconds: number }[] = []
  for (const blocks of depths) {
    const model = join(folder, `depth${blocks}`)
    const parameters = await makeCheckpoint(model, { ...(quick ? SMALL : SHAPE), blocks })
    const sizes = { context: 256, calibrationRows: 32, evaluationRows: 8, rank: 16, memoryBudget: MEMORY_BUDGET }
    const { peakBytes, wallSeconds } = await measureRun(join(folder, `run${blocks}`), { model, ...sizes })
    peaks.push({ blocks, parameters, peakBytes, wallSeconds })
    await rm(model, { recursive: true })
  }
  const first = peaks[0]?.peakBytes ?? Number.NaN
  const growth = Math.max(...peaks.map(({ peakBytes }) => peakBytes)) / first - 1
  return {
    title: 'Memory for models of different depth',
    text: [
      'Whole runs (`quailora`, rank 16, 8,192 calibration and 2,048 evaluation tokens) on LLaMA-shaped checkpoints of ' +
        'random weights, hidden 512, intermediate 1,408, vocabulary 8,192. The budget for hidden states is 1 MiB, so ' +
        'all of them go through files. Largest resident set of a process that does nothing else.'
    ],
    columns: ['blocks', 'parameters', 'weights in float32', 'peak memory', 'against the first', 'time'],
    rows: peaks.map(({ blocks, parameters, peakBytes, wallSeconds }) => [
      `${blocks}`,
      `${(parameters / 1e6).toFixed(1)} M`,
      mebibytes(4 * parameters),
      mebibytes(peakBytes),
      signedPercent(peakBytes / first - 1),
      duration(wallSeconds)
    ]),
    verdicts: [
      {
        what: `peak memory, ${depths.at(-1)} blocks or fewer against ${depths[0]}`,
        limit: 'at most 15 % more',
        measured: signedPercent(growth),
        met: growth <= LIMIT_GROWTH
      }
    ]
  }
}

const signedPercent = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)} %`
