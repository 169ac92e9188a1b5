import type { BenchOptions, Section, Verdict } from './section'
import { type Solution, type SolverResult, solveAll } from './solver'
import { duration } from './statistics'

/** The float32 path must reach the float64 answer to this, relative. */
const LIMIT_DIFFERENCE = 1e-6

/** Our solver against PEFT's LoftQ and against a float64 solution in NumPy. */
export async function measureSolver(options: BenchOptions): Promise<Section> {
  const results = await solveAll(options)
  const withPython = results.every(({ others }) => others !== undefined)
  return {
    title: 'Solver',
    text: [
      'From the error E of NF4 (blocks of 64, no double quantization, which LoftQ does not know) and the second moment H of ' +
        'the inputs to factors as stored in float32. Each cell: calibrated loss tr(R H Rᵀ) as a percentage of the loss ' +
        'without adapter, and the median time. Losses count the scaling s = alpha / rank that PEFT applies, with alpha 16. ' +
        'Named linears are those of block 1 of the sample model with their H over 16,384 tokens; synthetic ones have ' +
        'normal weights and an H whose i-th eigenvalue is 1/i.',
      withPython
        ? 'LoftQ is `peft.utils.loftq_utils.loftq_init` at 4 bits with 1 and 5 iterations, its device name put to cpu, since it ' +
          'refuses to run without CUDA; its time includes the quantization that is part of it. It does not divide by s, so at ' +
          's = 0.25 its users get a quarter of the correction; the last LoftQ column shows what it would reach were s 1. ' +
          'NumPy forms E H Eᵀ and decomposes it whole, in float64: cheap for few outputs, but its time grows with their cube, ' +
          'where ours follows the weights and the rank. All losses, ours included, were computed by the same ' +
          'NumPy function.'
        : 'LoftQ and NumPy are left out: the Python environment is missing (`npm run test:conformance` creates it).'
    ],
    columns: ['linear', 'rank, s', ...COLUMNS, ...(withPython ? OTHER_COLUMNS : [])],
    rows: results.map(row),
    verdicts: withPython ? verdicts(results) : []
  }
}

const COLUMNS = ['`svd`', '`quailora`', '`exact`']
const OTHER_COLUMNS = [
  'LoftQ, 1 step',
  'LoftQ, 5 steps',
  'LoftQ, 5 steps, s = 1',
  'NumPy float64',
  'time: LoftQ 5 / `quailora`',
  'time: NumPy / `exact`',
  'loss: `exact` / NumPy − 1'
]

function row({ problem, rank, scaling, rank0, ours, others }: SolverResult): string[] {
  const loss = (value: number): string => `${((100 * value) / rank0).toFixed(2)} %`
  const cell = (solution: Solution): string => `${loss(solution.loss)}, ${duration(solution.seconds)}`
  const { name, outFeatures, inFeatures } = problem
  const own = [cell(ours.svd), cell(ours.quailora), cell(ours.exact)]
  const start = [`${name} [${outFeatures}, ${inFeatures}]`, `${rank}, ${scaling}`, ...own]
  if (others === undefined) return start
  const { loftq1, loftq5, numpy } = others
  return [
    ...start,
    cell(loftq1),
    cell(loftq5),
    loss(loftq5.lossUnscaled),
    cell(numpy),
    (loftq5.seconds / ours.quailora.seconds).toFixed(1),
    (numpy.seconds / ours.exact.seconds).toFixed(1),
    (ours.exact.loss / numpy.loss - 1).toExponential(1)
  ]
}

function verdicts(results: readonly SolverResult[]): Verdict[] {
  const compared = results.flatMap(({ ours, others, rank0 }) => (others ? [{ ours, others, rank0 }] : []))
  const difference = Math.max(...compared.map(({ ours, others }) => ours.exact.loss / others.numpy.loss - 1))
  const below = compared.filter(
    ({ ours, others }) => ours.quailora.loss < Math.min(others.loftq1.loss, others.loftq5.loss)
  )
  return [
    {
      what: '`exact` in float32 above the float64 loss',
      limit: `at most ${LIMIT_DIFFERENCE.toExponential(0)}, relative`,
      measured: difference.toExponential(1),
      met: difference <= LIMIT_DIFFERENCE
    },
    {
      what: '`quailora` leaves less loss than LoftQ',
      limit: 'in every row',
      measured: `in ${below.length} of ${compared.length}`,
      met: below.length === compared.length
    }
  ]
}
