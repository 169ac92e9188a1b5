import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import { RUN_FILES } from '../../shared/runFolder'
import type { Adapter } from '../models/blockWeights'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { Comparison, withoutAdapters } from '../refine/comparison'
import { MemoryBudget } from '../refine/memoryBudget'
import { adapterOf } from '../refine/trainedFactors'
import { decodeFactors, type FactorPlace, inBlock, readFactors } from './factorFiles'
import type { RunContext } from './pass'
import { memoryLeft, roomLeft } from './streams'

/** What is at work, one base at a time; a run goes on in one process. */
const working = new WeakMap<RunContext, { readonly quantizer: string; readonly comparison: Comparison }>()

/** The quantized model of that key beside full precision; the one before is let go of. */
export async function comparisonOf(context: RunContext, quantizer: string): Promise<Comparison> {
  const current = working.get(context)
  if (current?.quantizer === quantizer) return current.comparison
  await releaseComparison(context)
  const { prepared, runner, streams, folder, signal } = context
  const comparison = await Comparison.open({
    ...{ prepared, quantizer, runner, signal },
    teacher: (begin, end) => streams.calibration.readPositions(begin, end),
    folder: join(folder, RUN_FILES.spool),
    budget: budgetLeft(context),
    room: roomLeft(streams)
  })
  working.set(context, { quantizer, comparison })
  return comparison
}

export async function releaseComparison(context: RunContext): Promise<void> {
  await working.get(context)?.comparison.release()
  working.delete(context)
}

/** Of the memory budget, what the hidden states of the run leave. */
export const budgetLeft = ({ prepared, streams }: RunContext): MemoryBudget =>
  new MemoryBudget(memoryLeft(prepared, streams))

/** What was found of each: it is asked for each variant. */
const known = new WeakMap<Comparison, number>()

/** The divergence on the held-out rows without an adapter. @throws {AppError} NUMERICS where it is not finite */
export async function withoutAdapter({ checkpoint }: PreparedRun, comparison: Comparison): Promise<number> {
  const divergence = known.get(comparison) ?? (await comparison.heldOut(withoutAdapters))
  if (divergence !== null) {
    known.set(comparison, divergence)
    return divergence
  }
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
  const factors = decodeFactors(await readFactors(folder, inBlock(place, block), paths), paths)
  const adapted = own.flatMap(({ name, path }) => {
    const found = factors.get(path)
    return found === undefined ? [] : [[name, adapterOf(found, scaling)] as const]
  })
  return new Map(adapted)
}
