import { join } from 'node:path'
import { type AdvancedBlock, RUN_FILES } from '../../shared/runFolder'
import { baseValues } from '../base/baseValues'
import { type DeviceTensor, giveBack } from '../graph/session'
import { type BlockWeights, readUnquantized } from '../models/blockWeights'
import { isDecidedLate, type PreparedRun, type PreparedVariant, specOf } from '../prepare/preparedRun'
import { quantizerFor } from '../quantizers/registry'
import { advance } from './advance'
import { questionsAndBlocks } from './choosePass'
import { readAdapters } from './comparisons'
import { embed } from './embedRows'
import { keptFactors } from './factorFiles'
import type { Events, Pass, RunContext } from './pass'
import { refinedIn, stepsAndBlocks } from './refinePass'
import { restoreStreams, sweepSpool } from './streams'

/** Takes the evaluation rows through the blocks under the variants that were refined or whose ranks were chosen. */
export const advancePass: Pass<AdvancedBlock> = {
  name: 'advance',
  blocks: ({ architecture, evaluation, variants }) =>
    evaluation.length === 0 || !variants.some(isDecidedLate)
      ? []
      : Array.from({ length: architecture.blocks }, (_, block) => block),
  async *begin(context, finished) {
    if (finished > 0) return
    const states = context.streams.late.map((stream) => stream.states)
    for await (const _ of embed(context, states)) context.signal.throwIfAborted() // a part of the phase before
  },
  step,
  async *settle({ prepared, streams }, { block }) {
    for (const { states } of streams.late) await states.dropPrevious()
    const { phase, total } = phaseBefore(prepared)
    yield { type: 'phaseProgress', phase, done: total - prepared.architecture.blocks + block + 1, total }
  },
  async restore({ streams, folder }, entries) {
    const states = streams.late.map((stream) => stream.states)
    const spool = entries.at(-1)?.spool ?? []
    if (!(await restoreStreams(states, spool))) return false
    await sweepSpool(join(folder, RUN_FILES.spool), states, spool)
    return true
  },
  end: async ({ experts }) => experts.release()
}

async function* step(context: RunContext, block: number): Events<AdvancedBlock> {
  const started = performance.now()
  const { prepared, streams } = context
  const { phase, total } = phaseBefore(prepared)
  const first = total - prepared.architecture.blocks + block
  const batches = streams.late.reduce((sum, { states }) => sum + states.batches, 0)
  let done = 0
  const progress = {
    step: () => ({ type: 'phaseProgress', phase, done: first + ++done / batches, total }) as const
  }
  for (const { states } of streams.late) await states.begin(block + 1)
  // Once for all quantizers: experts that stay belong to who reads them.
  const unquantized = await readUnquantized(prepared.weights, prepared.parts, block, context.experts)
  const bases = new Map<string, BlockWeights>()
  try {
    for (const { subject, states } of streams.late) {
      const variant = prepared.variants.find(({ name }) => name === subject) as PreparedVariant
      const base =
        bases.get(variant.quantizer) ?? (await quantizedBlock(context, block, variant.quantizer, unquantized))
      bases.set(variant.quantizer, base)
      const adapters = await readAdapters(context, variant, keptFactors(context.journal, subject), block)
      yield* advance(context, block, states, { ...base, ...(adapters.size > 0 && { adapters }) }, progress)
    }
  } finally {
    for (const { linears } of bases.values()) giveBack(linears.values())
  }
  const spool = []
  for (const { states } of streams.late) spool.push(await states.finish())
  return { pass: 'advance', block, spool, durationMs: performance.now() - started }
}

/** A block under a quantized base. */
async function quantizedBlock(
  { prepared, runner }: RunContext,
  block: number,
  key: string,
  unquantized: Pick<BlockWeights, 'parameters' | 'experts'>
): Promise<BlockWeights> {
  const spec = specOf(prepared, key)
  const quantized = new Map<string, Float32Array | DeviceTensor>()
  try {
    for (const linear of prepared.linears.filter((one) => one.block === block)) {
      quantized.set(linear.name, await baseValues(runner.uploads, prepared, linear, spec))
    }
  } catch (error) {
    giveBack(quantized.values())
    throw error
  }
  return { ...unquantized, linears: quantized, roundInputs: quantizerFor(spec).roundInputs }
}

/** The phase that it is reported as a part of, the last one. */
const phaseBefore = (prepared: PreparedRun) =>
  refinedIn(prepared).length > 0
    ? ({ phase: 'refining', total: stepsAndBlocks(prepared) } as const)
    : ({ phase: 'choosing', total: questionsAndBlocks(prepared) } as const)
