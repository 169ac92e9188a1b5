import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCheckpoint } from './makeCheckpoint'
import { measureRun } from './measureRun'
import type { BenchOptions, Section } from './section'
import { duration, mebibytes, median, signedPercent } from './statistics'

const SHAPE = { hidden: 512, intermediate: 1408, heads: 8, keyValueHeads: 4, vocabulary: 8192 }
const SMALL = { hidden: 128, intermediate: 352, heads: 4, keyValueHeads: 2, vocabulary: 4096 }
/** No stream fits, so all hidden states live in files. */
const MEMORY_BUDGET = 2 ** 20
const LIMIT_GROWTH = 0.05

/** Peaks vary with where holes in the heap fall, so every depth is measured this often, in turn. */
const ROUNDS = 5

interface Depth {
  readonly blocks: number
  readonly model: string
  readonly parameters: number
  readonly peaks: number[]
  readonly seconds: number[]
}

/** Peak memory of whole runs on checkpoints that differ in depth only. */
export async function measureMemory({ quick, folder }: BenchOptions): Promise<Section> {
  const depths: Depth[] = []
  for (const blocks of quick ? [2, 4] : [2, 8, 32]) {
    const model = join(folder, `depth${blocks}`)
    const parameters = await makeCheckpoint(model, { ...(quick ? SMALL : SHAPE), blocks })
    depths.push({ blocks, model, parameters, peaks: [], seconds: [] })
  }
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    for (const { blocks, model, peaks, seconds } of depths) {
      const sizes = { context: 256, calibrationRows: 32, evaluationRows: 8, rank: 16, memoryBudget: MEMORY_BUDGET }
      const run = await measureRun(join(folder, `run${blocks}`), { model, ...sizes })
      peaks.push(run.peakBytes)
      seconds.push(run.wallSeconds)
    }
  }
  for (const { model } of depths) await rm(model, { recursive: true })
  return memorySection(depths)
}

function memorySection(depths: readonly Depth[]): Section {
  const first = median(depths[0]?.peaks ?? [])
  const growth = Math.max(...depths.map(({ peaks }) => median(peaks))) / first - 1
  return {
    title: 'Memory for models of different depth',
    text: [
      'Whole runs (`quailora`, rank 16, 8,192 calibration and 2,048 evaluation tokens) on LLaMA-shaped checkpoints of ' +
        'random weights, hidden 512, intermediate 1,408, vocabulary 8,192. The budget for hidden states is 1 MiB, so ' +
        'all of them go through files. Largest resident set of a process that does nothing else; every depth ' +
        `${ROUNDS} times, in turn. The limit is held against the medians; smallest and largest show the spread.`
    ],
    columns: [
      'blocks',
      'parameters',
      'weights in float32',
      'peak, median',
      'smallest … largest',
      'against the first',
      'time'
    ],
    rows: depths.map(({ blocks, parameters, peaks, seconds }) => [
      `${blocks}`,
      `${(parameters / 1e6).toFixed(1)} M`,
      mebibytes(4 * parameters),
      mebibytes(median(peaks)),
      `${mebibytes(Math.min(...peaks))} … ${mebibytes(Math.max(...peaks))}`,
      signedPercent(median(peaks) / first - 1),
      duration(median(seconds))
    ]),
    verdicts: [
      {
        what: `peak memory, ${depths.at(-1)?.blocks} blocks or fewer against ${depths[0]?.blocks}`,
        limit: `at most ${100 * LIMIT_GROWTH} % more`,
        measured: signedPercent(growth),
        met: growth <= LIMIT_GROWTH
      }
    ]
  }
}
