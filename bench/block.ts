import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CALIBRATION_TEXT } from './benchRecord'
import { childOutput } from './childOutput'
import { FORWARD_METHODS } from './forwardMethods'
import { makeCheckpoint } from './makeCheckpoint'
import { type MeasuredRun, measureRun, WHOLE_RUN } from './measureRun'
import type { BenchOptions, Section, Verdict } from './section'
import { PYTHON } from './solver'
import { duration, mebibytes, median, percent } from './statistics'

const SHAPE = { blocks: 1, hidden: 2048, intermediate: 5632, heads: 32, keyValueHeads: 4, vocabulary: 4096 }
const QUICK = { ...SHAPE, hidden: 256, intermediate: 704, heads: 4 }
/** The same program at the commit before runs were made faster on the processor; see run.mjs. */
const EARLIER = resolve('out/bench-earlier-run/wholeRun.js')
const EARLIER_COMMIT = '6336783'
const LEAST_SHARE = 0.8
const MOST_RATIO = 1.4
/** Against the same job written plainly with torch. */
const LEAST_SPEED = 5
const RANK = 64
const CONTEXT = 256

const RUNS = { one: ['quailora'], all: FORWARD_METHODS } as const
type Runs = Record<keyof typeof RUNS, MeasuredRun[]>

/** The seconds of bench/plain.py beside those of a run's blocks phase. */
type Plain = readonly (readonly [plain: number, ours: number])[]

/**
 * A run over one large block with one variant and with all methods, now and at an earlier commit, and what a user would
 * write instead, in turn.
 */
export async function measureBlock({ quick, folder }: BenchOptions): Promise<Section> {
  const model = join(folder, 'block')
  await makeCheckpoint(model, quick ? QUICK : SHAPE)
  const calibrationRows = quick ? 8 : 32
  const sizes = { model, context: CONTEXT, calibrationRows, evaluationRows: quick ? 2 : 8, rank: RANK }
  const programs = new Map([['now', WHOLE_RUN]])
  if (existsSync(EARLIER)) programs.set(`at ${EARLIER_COMMIT}`, EARLIER)
  const found = new Map([...programs.keys()].map((name): [string, Runs] => [name, { one: [], all: [] }]))
  const plain: [number, number][] = []
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const which of ['one', 'all'] as const) {
      for (const [name, program] of programs) {
        const run = await measureRun(join(folder, 'run'), { ...sizes, methods: RUNS[which] }, program)
        found.get(name)?.[which].push(run)
        console.error(`  ${which} ${name}: ${row(which, name, [run]).slice(2).join(', ')}`)
      }
    }
    if (existsSync(PYTHON)) {
      plain.push([
        await plainSeconds(model, calibrationRows),
        blocksSeconds(found.get('now')?.one.at(-1) as MeasuredRun)
      ])
      console.error(`  plain torch: ${plain.at(-1)?.map(duration).join(', of ours ')}`)
    }
  }
  await rm(model, { recursive: true })
  return section(found, plain)
}

const blocksSeconds = ({ phases }: MeasuredRun): number =>
  phases.find(({ phase }) => phase === 'blocks')?.seconds as number

async function plainSeconds(model: string, rows: number): Promise<number> {
  const args = ['bench/plain.py', model, CALIBRATION_TEXT, ...[rows, CONTEXT, RANK].map(String)]
  return (JSON.parse(await childOutput(PYTHON, args)) as { seconds: number }).seconds
}

function section(found: ReadonlyMap<string, Runs>, plain: Plain): Section {
  const now = found.get('now') as Runs
  const share = middle(now.one, (run) => run.librarySeconds / run.seconds)
  const ratio = cpuRatio(now)
  return {
    title: 'One block of a large model',
    text: [
      'A whole run over a LLaMA-shaped checkpoint of one block (hidden 2,048, intermediate 5,632, 32 heads over 4) with random ' +
        'weights, 8,192 calibration and 2,048 evaluation tokens, rank 64: with `quailora` alone, and with all ' +
        `${FORWARD_METHODS.length} methods that need nothing but the pass forward; in turn with commit ${EARLIER_COMMIT} (November 2026), which is built aside. Medians. ` +
        'Processor time is that of all threads; wall time is what other programs leave of the machine, and so is the share ' +
        'of it inside onnxruntime, which is larger on a busy machine.',
      ...(plain.length > 0 ? [plainText(plain)] : [])
    ],
    columns: ['variants', 'code', 'processor time', 'wall time', 'inside onnxruntime', 'peak memory'],
    rows: (['one', 'all'] as const).flatMap((which) => [...found].map(([name, runs]) => row(which, name, runs[which]))),
    verdicts: [
      {
        what: 'share of wall time inside onnxruntime, one variant',
        limit: `at least ${percent(LEAST_SHARE)}`,
        measured: percent(share),
        met: share >= LEAST_SHARE
      },
      {
        what: `processor time of ${FORWARD_METHODS.length} variants against one`,
        limit: `at most ${MOST_RATIO} times`,
        measured: [...found].map(([name, runs]) => `${cpuRatio(runs).toFixed(2)} ${name}`).join(', '),
        met: ratio <= MOST_RATIO
      },
      ...(plain.length > 0 ? [plainVerdict(plain)] : [])
    ]
  }
}

const plainText = (plain: Plain): string =>
  '`bench/plain.py` is what a user would write instead, with transformers and torch: the same rows forward with hooks, second ' +
  'moments in float64, NF4, an SVD of the error and 20 alternations, nothing evaluated. Without loading the model it took ' +
  `${duration(median(plain.map(([seconds]) => seconds)))}; the blocks phase of the run with \`quailora\`, which also carries ` +
  `the evaluation rows on, took ${duration(median(plain.map(([, seconds]) => seconds)))}.`

function plainVerdict(plain: Plain): Verdict {
  const quotient = median(plain.map(([theirs, ours]) => theirs / ours))
  return {
    what: 'plain torch / blocks phase with `quailora`',
    limit: `at least ${LEAST_SPEED}`,
    measured: quotient.toFixed(1),
    met: quotient >= LEAST_SPEED
  }
}

const row = (which: keyof typeof RUNS, name: string, runs: readonly MeasuredRun[]): string[] => [
  which === 'one' ? 'quailora' : `all ${FORWARD_METHODS.length}`,
  name,
  duration(middle(runs, (run) => run.cpuSeconds)),
  duration(middle(runs, (run) => run.seconds)),
  percent(middle(runs, (run) => run.librarySeconds / run.seconds)),
  mebibytes(middle(runs, (run) => run.peakBytes))
]

const middle = (runs: readonly MeasuredRun[], of: (run: MeasuredRun) => number): number => median(runs.map(of))

/** Of each round's two runs, so that what else the machine did counts for both. */
const cpuRatio = ({ one, all }: Runs): number =>
  median(all.map(({ cpuSeconds }, i) => cpuSeconds / (one[i] as MeasuredRun).cpuSeconds))
