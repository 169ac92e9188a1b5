import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { collectGarbage } from '../src/engine/graph/collectGarbage'
import { planRun } from '../src/engine/plan/planRun'
import { benchRecord, type RunSizes } from './benchRecord'
import { type LlamaShape, makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, measureRun } from './measureRun'
import type { BenchOptions, Section, Verdict } from './section'
import { duration, mebibytes, median, signedPercent } from './statistics'

interface Case {
  readonly name: string
  readonly shape: LlamaShape
  readonly sizes: Omit<RunSizes, 'model'>
}

const SMALL = { blocks: 8, hidden: 576, intermediate: 1536, heads: 9, keyValueHeads: 3, vocabulary: 49_152 }
const MIDDLE = { blocks: 2, hidden: 1024, intermediate: 2816, heads: 16, keyValueHeads: 8, vocabulary: 32_000 }
const LARGE = { blocks: 1, hidden: 2048, intermediate: 5632, heads: 32, keyValueHeads: 8, vocabulary: 32_000 }
const TINY = { blocks: 2, hidden: 128, intermediate: 352, heads: 4, keyValueHeads: 2, vocabulary: 4096 }

const rows = { context: 256, calibrationRows: 32, evaluationRows: 8, rank: 16 }
const five = ['zero', 'svd', 'diag', 'quailora', 'exact'] as const
const REFINE = { steps: 12, batch: 4 }

const CASES: readonly Case[] = [
  { name: '576 × 8, quailora', shape: SMALL, sizes: rows },
  { name: '576 × 8, five methods', shape: SMALL, sizes: { ...rows, methods: five } },
  { name: '1024 × 2, quailora', shape: MIDDLE, sizes: rows },
  { name: '1024 × 2, five methods', shape: MIDDLE, sizes: { ...rows, methods: five } },
  { name: '1024 × 2, refined', shape: MIDDLE, sizes: { ...rows, refine: REFINE } },
  { name: '1024 × 2, kfac', shape: MIDDLE, sizes: { ...rows, methods: ['kfac'] } },
  { name: '2048 × 1, quailora, rank 64', shape: LARGE, sizes: { ...rows, rank: 64 } },
  { name: '2048 × 1, five methods, rank 64', shape: LARGE, sizes: { ...rows, rank: 64, methods: five } }
]

const QUICK: readonly Case[] = [{ name: 'tiny', shape: TINY, sizes: { ...rows, calibrationRows: 4 } }]

/** As LLaMA 7B, 13B and 30B, and LLaMA 2 70B; the vocabulary is smaller than theirs, for a head has a cost of its own. */
const SHAPES = {
  '7B': { blocks: 2, hidden: 4096, intermediate: 11_008, heads: 32, keyValueHeads: 32, vocabulary: 4096 },
  '13B': { blocks: 2, hidden: 5120, intermediate: 13_824, heads: 40, keyValueHeads: 40, vocabulary: 4096 },
  '30B': { blocks: 2, hidden: 6656, intermediate: 17_920, heads: 52, keyValueHeads: 52, vocabulary: 4096 },
  '70B': { blocks: 2, hidden: 8192, intermediate: 28_672, heads: 64, keyValueHeads: 8, vocabulary: 4096 }
} as const satisfies Readonly<Record<string, LlamaShape>>

/** Hidden states as good as all in files. */
const largeRows = { context: 256, calibrationRows: 16, evaluationRows: 4, rank: 64, memoryBudget: 64 * 2 ** 20 }

const LARGE_CASES: readonly Case[] = Object.entries(SHAPES).map(([name, shape]) => ({
  name: `${name} × ${shape.blocks}`,
  shape,
  sizes: largeRows
}))
const LONG_CASE: Case = {
  name: '30B × 1',
  shape: { ...SHAPES['30B'], blocks: 1 },
  sizes: { ...largeRows, calibrationRows: 512 }
}
const LIMIT_LONG_BYTES = 12 * 2 ** 30
/** What is planned to take more is not run: the system would end it. */
const MOST_MEMORY = 0.9 * totalmem()

/** Times vary with what else the machine does: each case is planned and run so often, in turn. */
const ROUNDS = 3
/** Until what was given back before is really gone. */
const SETTLE_MS = 3000
/** Of a machine whose times mean something. */
const QUIET_LOAD = 1
const LIMIT_TIME = 0.25
const LIMIT_BYTES = 0.1

interface Compared {
  readonly name: string
  readonly planned: { seconds: number; memory: number; disk: number }[]
  readonly runs: MeasuredRun[]
}

/** What plans say beside what the runs then take: time, memory, and disk below the run's folder. */
export async function measurePlan({ quick, folder }: BenchOptions): Promise<Section> {
  const quiet = (loadavg()[0] ?? 0) < QUIET_LOAD
  return planSection(await compare(quick ? QUICK : CASES, quick ? 1 : ROUNDS, folder), quiet)
}

/** The same for shapes of large models, of which two blocks exist; once each. */
export async function measureScale({ quick, folder }: BenchOptions): Promise<Section> {
  const quiet = (loadavg()[0] ?? 0) < QUIET_LOAD
  return scaleSection(await compare(quick ? QUICK : LARGE_CASES, 1, folder), quiet)
}

/** Memory with as many calibration tokens as anybody takes. */
export async function measureLongCalibration({ quick, folder }: BenchOptions): Promise<Section> {
  return longSection((await compare(quick ? QUICK : [LONG_CASE], 1, folder))[0] as Compared)
}

/** Plans and runs every case so often, in turn. A checkpoint is made when it is first wanted, and removed after its last case. */
async function compare(wanted: readonly Case[], rounds: number, folder: string): Promise<(Case & Compared)[]> {
  const cases = wanted.map((one) => ({ ...one, planned: [], runs: [] }) as Case & Compared)
  const model = (shape: LlamaShape): string => join(folder, `planned-${shape.hidden}-${shape.blocks}`)
  for (let round = 0; round < rounds; round++) {
    for (const [i, { name, shape, sizes, planned, runs }] of cases.entries()) {
      if (!existsSync(model(shape))) await makeModel(model(shape), shape)
      const own = { ...sizes, model: model(shape) }
      const { recipe, calibration, evaluation } = await benchRecord(join(folder, 'plan'), own)
      const request = { recipe, calibration, evaluation }
      // Texts are tokenized, so that nothing but products is under way when their speed is measured.
      await planRun({ ...request, measure: false })
      await setTimeout(SETTLE_MS)
      const plan = await planRun({ ...request, measure: true })
      planned.push({ seconds: plan.seconds, memory: plan.peakMemoryBytes, disk: plan.spoolBytes })
      if (plan.peakMemoryBytes < MOST_MEMORY) runs.push(await measureRun(join(folder, 'planned'), own))
      console.error(`  ${name}: ${row({ name, planned, runs }).slice(1).join(', ')}`)
      const last = round + 1 === rounds && !cases.slice(i + 1).some((later) => later.shape === shape)
      if (last) await rm(model(shape), { recursive: true })
    }
  }
  return cases
}

/** Nothing of its making is left to be done while speed is measured: neither garbage nor bytes that the disk still lacks. */
async function makeModel(directory: string, shape: LlamaShape): Promise<void> {
  await makeCheckpoint(directory, shape)
  collectGarbage()
  spawnSync('sync')
}

const off = (planned: number, taken: number): number => planned / taken - 1

const pairsOf = ({ planned, runs }: Compared) => ({
  seconds: [median(planned.map((plan) => plan.seconds)), median(runs.map((run) => run.wallSeconds))] as const,
  memory: [planned[0]?.memory ?? 0, median(runs.map((run) => run.peakBytes))] as const,
  disk: [planned[0]?.disk ?? 0, median(runs.map((run) => run.diskBytes))] as const
})

function row(one: Compared): string[] {
  const { seconds, memory, disk } = pairsOf(one)
  const beside = (pair: readonly [number, number], written: (value: number) => string): string[] =>
    one.runs.length === 0 ? [written(pair[0]), 'not run', ''] : [...pair.map(written), signedPercent(off(...pair))]
  return [one.name, ...beside(seconds, duration), ...beside(memory, mebibytes), ...beside(disk, mebibytes)]
}

/** How far plans are off at worst. Times are judged on a quiet machine alone. */
function verdictsOf(cases: readonly Compared[], quiet: boolean): Verdict[] {
  const ran = cases.filter(({ runs }) => runs.length > 0)
  if (ran.length === 0) return []
  const worst = (what: keyof ReturnType<typeof pairsOf>): number =>
    Math.max(...ran.map((one) => Math.abs(off(...pairsOf(one)[what]))))
  const verdict = (what: keyof ReturnType<typeof pairsOf>, limit: number) => ({
    what,
    limit: `within ${100 * limit} %`,
    measured: `${(100 * worst(what)).toFixed(0)} % at worst`,
    met: worst(what) <= limit
  })
  return [
    ...(quiet ? [verdict('seconds', LIMIT_TIME)] : []),
    verdict('memory', LIMIT_BYTES),
    verdict('disk', LIMIT_BYTES)
  ]
}

const compared = (cases: readonly Compared[]): Pick<Section, 'columns' | 'rows'> => ({
  columns: ['run', 'time: plan', 'run', 'off', 'memory: plan', 'run', 'off', 'disk: plan', 'run', 'off'],
  rows: cases.map(row)
})

const planSection = (cases: readonly Compared[], quiet: boolean): Section => ({
  title: 'Plans beside runs',
  text: [
    'What `quail plan` says, and what the run of the same recipe then takes, each in a process of its own: LLaMA-shaped ' +
      'checkpoints of random bfloat16 weights (hidden size × blocks), 8,192 calibration and 2,048 evaluation tokens, rank 16 ' +
      'unless said. A refinement is 12 steps of 4 rows. Time is that of the whole process, with the speed of products as ' +
      `the plan measured it just before; medians of ${ROUNDS} rounds, in turn. It is judged on a quiet machine alone. Memory ` +
      'is the largest resident set, disk the most that was seen below the folder of the run.'
  ],
  ...compared(cases),
  verdicts: verdictsOf(cases, quiet)
})

const scaleSection = (cases: readonly Compared[], quiet: boolean): Section => ({
  title: 'Plans beside runs of large models',
  text: [
    'As the section above, once each, for shapes of LLaMA 7B, 13B and 30B and of LLaMA 2 70B, of which two blocks exist ' +
      '(random weights, vocabulary 4,096): 4,096 calibration tokens, 1,024 evaluation tokens, `quailora` at rank 64, 64 MiB of ' +
      'hidden states in memory. What is planned to take more than nine tenths of the machine is not run.'
  ],
  ...compared(cases),
  verdicts: verdictsOf(cases, quiet)
})

function longSection(one: Compared): Section {
  const peak = one.runs[0]?.peakBytes
  return {
    title: 'Memory with 131,072 calibration tokens',
    text: ['One block of the shape of LLaMA 30B in the section above, with 131,072 calibration tokens in rows of 256.'],
    ...compared([one]),
    verdicts:
      peak === undefined
        ? []
        : [
            {
              what: 'peak memory',
              limit: `at most ${mebibytes(LIMIT_LONG_BYTES)}`,
              measured: mebibytes(peak),
              met: peak <= LIMIT_LONG_BYTES
            }
          ]
  }
}
