import { AppError } from '../../shared/errors'
import type { Adapter } from '../models/blockWeights'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { type Comparison, withoutAdapters } from '../refine/comparison'
import { MemoryBudget } from '../refine/memoryBudget'
import { adapterOf } from '../refine/trainedFactors'
import { decodeFactors, type FactorPlace, readFactors } from './factorFiles'
import type { RunContext } from './pass'

/** Of the memory budget, what the hidden states of the run leave. */
export const budgetLeft = ({ prepared, streams }: RunContext): MemoryBudget =>
  new MemoryBudget(prepared.recipe.memoryBudget - streams.all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0))

/** The divergence on the held-out rows without an adapter. @throws {AppError} NUMERICS where it is not finite */
export async function withoutAdapter({ checkpoint }: PreparedRun, comparison: Comparison): Promise<number> {
  const divergence = await comparison.heldOut(withoutAdapters)
  if (divergence !== null) return divergence
  const problem = `${checkpoint.directory}: the quantized model's divergence from full precision is not finite`
  throw new AppError('NUMERICS', problem)
}

/** A variant's adapters of a block out of these files, by name of the linear. */
export async function readAdapters(
  { prepared, folder }: RunContext,
  { targets, scaling }: PreparedVariant,
  place: FactorPlace,
  block: number
): Promise<Map<string, Adapter>> {
  const own = prepared.linears.filter((linear) => linear.block === block && targets.has(linear.path))
  const paths = own.map(({ path }) => path)
  const factors = decodeFactors(await readFactors(folder, place, paths), paths)
  const adapted = own.flatMap(({ name, path }) => {
    const found = factors.get(path)
    return found === undefined ? [] : [[name, adapterOf(found, scaling)] as const]
  })
  return new Map(adapted)
}
