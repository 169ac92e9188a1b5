import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { planRun } from '../src/engine/plan/planRun'
import { benchRecord, type RunSizes } from './benchRecord'
import { type LlamaShape, makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, measureRun } from './measureRun'
import type { BenchOptions, Section } from './section'
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

/** Times vary with what else the machine does: each case is planned and run so often, in turn. */
const ROUNDS = 3
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
  const cases = (quick ? QUICK : CASES).map((one) => ({ ...one, planned: [], runs: [] }) as Case & Compared)
  const models = new Map<LlamaShape, string>()
  for (const { shape } of cases) {
    if (models.has(shape)) continue
    const model = join(folder, `planned-${shape.hidden}`)
    await makeCheckpoint(model, shape)
    models.set(shape, model)
  }
  for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
    for (const { name, shape, sizes, planned, runs } of cases) {
      const own = { ...sizes, model: models.get(shape) as string }
      const { recipe, calibration, evaluation } = await benchRecord(join(folder, 'plan'), own)
      const plan = await planRun({ recipe, calibration, evaluation, measure: true })
      planned.push({ seconds: plan.seconds, memory: plan.peakMemoryBytes, disk: plan.spoolBytes })
      runs.push(await measureRun(join(folder, 'planned'), own))
      console.error(`  ${name}: ${row({ name, planned, runs }).slice(1).join(', ')}`)
    }
  }
  for (const model of models.values()) await rm(model, { recursive: true })
  return planSection(cases, quiet)
}

const off = (planned: number, taken: number): number => planned / taken - 1

const pairsOf = ({ planned, runs }: Compared) => ({
  seconds: [median(planned.map((plan) => plan.seconds)), median(runs.map((run) => run.wallSeconds))] as const,
  memory: [planned[0]?.memory ?? 0, median(runs.map((run) => run.peakBytes))] as const,
  disk: [planned[0]?.disk ?? 0, median(runs.map((run) => run.diskBytes))] as const
})

function row(one: Compared): string[] {
  const { seconds, memory, disk } = pairsOf(one)
  return [
    one.name,
    ...seconds.map(duration),
    signedPercent(off(...seconds)),
    ...memory.map(mebibytes),
    signedPercent(off(...memory)),
    ...disk.map(mebibytes),
    signedPercent(off(...disk))
  ]
}

function planSection(cases: readonly Compared[], quiet: boolean): Section {
  const worst = (what: keyof ReturnType<typeof pairsOf>): number =>
    Math.max(...cases.map((one) => Math.abs(off(...pairsOf(one)[what]))))
  const verdict = (what: keyof ReturnType<typeof pairsOf>, limit: number) => ({
    what,
    limit: `within ${100 * limit} %`,
    measured: `${(100 * worst(what)).toFixed(0)} % at worst`,
    met: worst(what) <= limit
  })
  return {
    title: 'Plans beside runs',
    text: [
      'What `quail plan` says, and what the run of the same recipe then takes, each in a process of its own: LLaMA-shaped ' +
        'checkpoints of random bfloat16 weights (hidden size × blocks), 8,192 calibration and 2,048 evaluation tokens, rank 16 ' +
        'unless said. A refinement is 12 steps of 4 rows. Time is that of the whole process, with the speed of products as ' +
        `the plan measured it just before; medians of ${ROUNDS} rounds, in turn. It is judged on a quiet machine alone. Memory ` +
        'is the largest resident set, disk the most that was seen below the folder of the run.'
    ],
    columns: ['run', 'time: plan', 'run', 'off', 'memory: plan', 'run', 'off', 'disk: plan', 'run', 'off'],
    rows: cases.map(row),
    verdicts: [
      ...(quiet ? [verdict('seconds', LIMIT_TIME)] : []),
      verdict('memory', LIMIT_BYTES),
      verdict('disk', LIMIT_BYTES)
    ]
  }
}
