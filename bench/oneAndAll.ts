import { FORWARD_METHODS } from './forwardMethods'
import { type MeasuredRun, measureRun } from './measureRun'
import type { Verdict } from './section'
import { duration, mebibytes, median, percent } from './statistics'

const LEAST_SHARE = 0.8
const MOST_RATIO = 1.4

/** What is set side by side: a run with one variant, and with all that share the pass forward. */
const METHODS_OF = { one: ['quailora'], all: FORWARD_METHODS } as const
export type Which = keyof typeof METHODS_OF
export const BOTH = ['one', 'all'] as const
export type Runs = Record<Which, MeasuredRun[]>

export const COLUMNS = ['variants', 'code', 'processor time', 'wall time', 'inside onnxruntime', 'peak memory']

/** One more run of a kind, put among those of its kind; it is said as it is measured. */
export async function measured(
  runs: Runs,
  which: Which,
  name: string,
  ...[folder, sizes, program]: Task
): Promise<void> {
  const run = await measureRun(folder, { ...sizes, methods: METHODS_OF[which] }, program)
  runs[which].push(run)
  console.error(`  ${which} ${name}: ${row(which, name, [run]).slice(2).join(', ')}`)
}

type Given = Parameters<typeof measureRun>
type Task = [folder: Given[0], sizes: Omit<Given[1], 'methods'>, program?: Given[2]]

export const row = (which: Which, name: string, runs: readonly MeasuredRun[]): string[] => [
  which === 'one' ? 'quailora' : `all ${FORWARD_METHODS.length}`,
  name,
  duration(middle(runs, (run) => run.cpuSeconds)),
  duration(middle(runs, (run) => run.seconds)),
  percent(middle(runs, (run) => run.librarySeconds / run.seconds)),
  mebibytes(middle(runs, (run) => run.peakBytes))
]

export function shareVerdict({ one }: Runs): Verdict {
  const share = middle(one, (run) => run.librarySeconds / run.seconds)
  return {
    what: 'share of wall time inside onnxruntime, one variant',
    limit: `at least ${percent(LEAST_SHARE)}`,
    measured: percent(share),
    met: share >= LEAST_SHARE
  }
}

/** @param found - by what the code is called; the first is judged */
export function ratioVerdict(found: ReadonlyMap<string, Runs>): Verdict {
  const ratios = [...found].map(([name, runs]) => ({ name, ratio: cpuRatio(runs) }))
  return {
    what: `processor time of ${FORWARD_METHODS.length} variants against one`,
    limit: `at most ${MOST_RATIO} times`,
    measured: ratios.map(({ name, ratio }) => `${ratio.toFixed(2)} ${name}`).join(', '),
    met: (ratios[0]?.ratio ?? Infinity) <= MOST_RATIO
  }
}

const middle = (runs: readonly MeasuredRun[], of: (run: MeasuredRun) => number): number => median(runs.map(of))

/** Of each round's two runs, so that what else the machine did counts for both. */
const cpuRatio = ({ one, all }: Runs): number =>
  median(all.map(({ cpuSeconds }, i) => cpuSeconds / (one[i] as MeasuredRun).cpuSeconds))
