import type { MeasuredCurvature, SolvedBlock } from '../../shared/runFolder'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'

/*
 * An entry may be of the right form and say too little, as of a journal that somebody wrote in, or that another version
 * began: a run that went on from it would end with a proof that lacks what is not there.
 */

type Whole = Pick<PreparedRun, 'architecture' | 'linears' | 'quantizers' | 'variants'>

/** Whether a solved block names every linear under every quantizer, and what every variant made of each. */
export function isWholeBlock(
  { linears, quantizers, variants }: Omit<Whole, 'architecture'>,
  { block, fingerprints, results, uniform = [] }: SolvedBlock
): boolean {
  const paths = linears.filter((linear) => linear.block === block).map(({ path }) => path)
  const fingerprinted = [...quantizers.keys()].every((key) =>
    isSame(
      (fingerprints[key] ?? []).map(({ name }) => name),
      paths
    )
  )
  const has = (found: SolvedBlock['results'], { name, targets }: PreparedVariant): boolean =>
    isSame(
      found.filter(({ variant }) => variant === name).map(({ result }) => result.name),
      paths.filter((path) => targets.has(path))
    )
  const whole = variants.every((one) => has(results, one)) && budgetsIn(variants).every((one) => has(uniform, one))
  return fingerprinted && whole
}

/** Whether curvature was measured of every block, and every linear of a variant with a rank budget was given its rank. */
export function isWholeCurvature(prepared: Whole, { files, ranks = {} }: MeasuredCurvature): boolean {
  const ranked = budgetsIn(prepared.variants).every(({ name, targets }) =>
    [...targets].every((path) => ranks[name]?.[path] !== undefined)
  )
  return files.length === prepared.architecture.blocks && ranked
}

const budgetsIn = (variants: readonly PreparedVariant[]): PreparedVariant[] =>
  variants.filter(({ spec }) => spec.rankBudget !== undefined)

const isSame = (found: readonly string[], wanted: readonly string[]): boolean =>
  found.length === wanted.length && found.every((name, i) => name === wanted[i])
