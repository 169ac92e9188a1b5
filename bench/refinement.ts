import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, measureRun } from './measureRun'
import type { BenchOptions, Section } from './section'
import { duration, mebibytes, median, signedPercent } from './statistics'

const SHAPE = { hidden: 512, intermediate: 1408, heads: 8, keyValueHeads: 4, vocabulary: 8192 }
const SMALL = { hidden: 128, intermediate: 352, heads: 4, keyValueHeads: 2, vocabulary: 4096 }
/** Of the deeper model nothing but the states of its blocks fits; of the other, some of its factors do as well. */
const MEMORY_BUDGET = 64 * 2 ** 20
const LIMIT_GROWTH = 0.1
const LIMIT_TIME = 1.5
/** Peaks vary with the moments at which garbage is collected, so every depth is measured this often, in turn. */
const ROUNDS = 3
/** 12,288 tokens: every row at most once. */
const REFINE = { steps: 12, batch: 4 }

interface Depth {
  readonly blocks: number
  readonly model: string
  readonly runs: MeasuredRun[]
}

/** Whole runs with a refinement, on checkpoints that differ in depth only: peak memory, and the time of the refinement. */
export async function measureRefinement({ quick, folder }: BenchOptions): Promise<Section> {
  const depths: Depth[] = []
  for (const blocks of quick ? [1, 2] : [4, 16]) {
    const model = join(folder, `refined${blocks}`)
    await makeCheckpoint(model, { ...(quick ? SMALL : SHAPE), blocks })
    depths.push({ blocks, model, runs: [] })
  }
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    for (const { blocks, model, runs } of depths) {
      const sizes = { context: 256, calibrationRows: quick ? 8 : 64, evaluationRows: 8, rank: 16 }
      const own = { model, ...sizes, memoryBudget: MEMORY_BUDGET, refine: REFINE }
      runs.push(await measureRun(join(folder, `refinement${blocks}`), own))
    }
  }
  for (const { model } of depths) await rm(model, { recursive: true })
  return refinementSection(depths)
}

const peakOf = ({ runs }: Depth): number => median(runs.map(({ peakBytes }) => peakBytes))

const secondsOf = ({ runs }: Depth, phase: string): number =>
  median(runs.map(({ phases }) => phases.find((one) => one.phase === phase)?.seconds ?? 0))

const slowness = (depth: Depth): number => secondsOf(depth, 'refining') / secondsOf(depth, 'blocks')

function refinementSection(depths: readonly Depth[]): Section {
  const [first, last] = [depths[0] as Depth, depths.at(-1) as Depth]
  const growth = peakOf(last) / peakOf(first) - 1
  const slowest = Math.max(...depths.map(slowness))
  return {
    title: 'Refinement',
    text: [
      'Whole runs (`quailora`, rank 16, 16,384 calibration and 2,048 evaluation tokens) that refine the adapter by 12 steps of ' +
        '1,024 tokens, on LLaMA-shaped checkpoints of random weights, hidden 512, intermediate 1,408, vocabulary 8,192. ' +
        'Refining is all that the refinement adds to a run: steps, the held-out rows before and after them, and the ' +
        'evaluation rows under the refined adapter. Blocks is the calibration with the solves. The memory budget is 64 ' +
        `MiB. Medians of ${ROUNDS} rounds, in turn.`
    ],
    columns: ['blocks', 'blocks phase', 'refining', 'quotient', 'peak memory'],
    rows: depths.map((depth) => [
      `${depth.blocks}`,
      duration(secondsOf(depth, 'blocks')),
      duration(secondsOf(depth, 'refining')),
      slowness(depth).toFixed(2),
      mebibytes(peakOf(depth))
    ]),
    verdicts: [
      {
        what: `peak memory, ${last.blocks} blocks against ${first.blocks}`,
        limit: 'at most 10 % more',
        measured: signedPercent(growth),
        met: growth <= LIMIT_GROWTH
      },
      {
        what: 'refining against the blocks phase of the same run',
        limit: 'at most 1.5 times',
        measured: `${slowest.toFixed(2)} times`,
        met: slowest <= LIMIT_TIME
      }
    ]
  }
}
