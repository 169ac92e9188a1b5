import {
  LINEAR_RANK,
  type LinearMethod,
  type LinearResult,
  type LinearTimes,
  OTHERS,
  type OtherName,
  type Spent,
  solveLinears
} from './linears'
import type { BenchOptions, Section, Verdict } from './section'
import { duration } from './statistics'

const LIMIT_EARLIER = 8
const LIMIT_OTHERS = 20
/** How far the share of the loss may lie above that of the earlier commit: what twenty alternations leave to their start. */
const LIMIT_LOSS = 1e-3

/** One linear of a large model: this tree against an earlier commit, LoftQ and NumPy. */
export async function measureLinears({ quick, folder }: BenchOptions): Promise<Section> {
  const results = await solveLinears(quick, folder)
  return {
    title: 'One linear of a large model',
    text: [
      `Synthetic linears as in the section above, rank ${LINEAR_RANK}, s = 1, each solved in a process of its own, in turn with ` +
        'commit 4c81de1 (November 2026, before the solver was reworked), which is built aside. `factors` is from E and H to ' +
        'factors as stored; `whole` adds what a run reports of them: the loss without adapter, the loss with the stored ' +
        'factors, and the certificate. Times are wall time and, in brackets, the seconds of all processors together; ratios ' +
        'are of wall time, then of processor time; those of others are to `factors`.',
      "Against them, in the same run, PEFT's LoftQ (its device name put to cpu) with one and five iterations, and NumPy in " +
        'float64 as the literature writes the optimum: eigh of H, SVD of E H^½. What would take minutes is left ' +
        'out. Losses are shares of the loss without adapter.'
    ],
    columns: [
      'linear',
      'method',
      'factors',
      'whole',
      'loss, certificate',
      'at 4c81de1: factors',
      'whole',
      'loss, certificate',
      'ratio: factors',
      'ratio: whole',
      'LoftQ 1 step',
      'LoftQ 5 steps',
      'NumPy'
    ],
    rows: results.map(row),
    verdicts: verdicts(results)
  }
}

const time = ({ wall, cpu }: Spent): string => `${duration(wall)} (${duration(cpu)})`
const share = (loss: number): string => `${(100 * loss).toFixed(4)} %`
const quality = ({ loss, certificate }: LinearTimes): string => `${share(loss)}, ${certificate.toFixed(6)}`
const ratio = (theirs: Spent, ours: Spent): string =>
  `${(theirs.wall / ours.wall).toFixed(1)} (${(theirs.cpu / ours.cpu).toFixed(1)})`

function row({ shape, method, now, earlier, others }: LinearResult): string[] {
  const then =
    earlier === undefined
      ? ['', '', '', '', '']
      : [
          time(earlier.factors),
          time(earlier.whole),
          quality(earlier),
          ratio(earlier.factors, now.factors),
          ratio(earlier.whole, now.whole)
        ]
  const other = OTHERS.map((name) => {
    const one = others?.[name]
    return one === undefined ? '' : `${time(one)}, ${share(one.loss)}; ${ratio(one, now.factors)}`
  })
  return [`[${shape.join(', ')}]`, `\`${method}\``, time(now.factors), time(now.whole), quality(now), ...then, ...other]
}

function verdicts(results: readonly LinearResult[]): Verdict[] {
  const compared = results.flatMap(({ now, earlier }) => (earlier ? [{ now, earlier }] : []))
  const ratios = (method: LinearMethod, name: OtherName): number[] =>
    results.flatMap((result) => {
      const other = result.method === method ? result.others?.[name] : undefined
      return other === undefined ? [] : [other.wall / result.now.factors.wall]
    })
  const least = (values: readonly number[]) => Math.min(...values)
  const atLeast = (what: string, limit: number, values: readonly number[]): Verdict[] =>
    values.length === 0
      ? []
      : [
          {
            what,
            limit: `at least ${limit}`,
            measured: `${least(values).toFixed(1)} or more`,
            met: least(values) >= limit
          }
        ]
  const above = Math.max(0, ...compared.map(({ now, earlier }) => now.loss / earlier.loss - 1))
  return [
    ...atLeast(
      '4c81de1 / now, factors',
      LIMIT_EARLIER,
      compared.map((c) => c.earlier.factors.wall / c.now.factors.wall)
    ),
    ...atLeast(
      '4c81de1 / now, whole',
      LIMIT_EARLIER,
      compared.map((c) => c.earlier.whole.wall / c.now.whole.wall)
    ),
    ...atLeast('LoftQ 1 step / `quailora`', LIMIT_OTHERS, ratios('quailora', 'loftq1')),
    ...atLeast('LoftQ 5 steps / `quailora`', LIMIT_OTHERS, ratios('quailora', 'loftq5')),
    ...atLeast('NumPy / `exact`', LIMIT_OTHERS, ratios('exact', 'numpy')),
    {
      what: 'loss above that at 4c81de1',
      limit: `at most ${LIMIT_LOSS.toExponential(0)}, relative`,
      measured: above.toExponential(1),
      met: above <= LIMIT_LOSS
    }
  ]
}
