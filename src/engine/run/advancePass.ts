import { join } from 'node:path'
import { type AdvancedBlock, RUN_FILES } from '../../shared/runFolder'
import { quantizeLinear } from '../base/quantizeLinear'
import { type Adapter, type BlockWeights, readBlockWeights } from '../models/blockWeights'
import { type PreparedVariant, specOf } from '../prepare/preparedRun'
import { quantizerFor } from '../quantizers/registry'
import { adapterOf } from '../refine/trainedFactors'
import { advance } from './advance'
import { embed } from './embedRows'
import { decodeFactors, factorFilesOf, readFactors } from './factorFiles'
import type { Events, Pass, RunContext } from './pass'
import { stepsAndBlocks } from './refinePass'
import { restoreStreams, sweepSpool } from './streams'

/** Takes the evaluation rows through the blocks under the variants that were refined. */
export const advancePass: Pass<AdvancedBlock> = {
  name: 'advance',
  blocks: ({ architecture, evaluation, variants }) =>
    evaluation.length === 0 || variants.every(({ spec }) => spec.refine === undefined)
      ? []
      : Array.from({ length: architecture.blocks }, (_, block) => block),
  async *begin(context, finished) {
    if (finished > 0) return
    const states = context.streams.refined.map((stream) => stream.states)
    for await (const _ of embed(context, states)) context.signal.throwIfAborted() // a part of refining: no phase of its own
  },
  step,
  async *settle({ prepared, streams }, { block }) {
    for (const { states } of streams.refined) await states.dropPrevious()
    const total = stepsAndBlocks(prepared)
    yield { type: 'phaseProgress', phase: 'refining', done: total - prepared.architecture.blocks + block + 1, total }
  },
  async restore({ streams, folder }, entries) {
    const states = streams.refined.map((stream) => stream.states)
    const spool = entries.at(-1)?.spool ?? []
    if (!(await restoreStreams(states, spool))) return false
    await sweepSpool(join(folder, RUN_FILES.spool), states, spool)
    return true
  }
}

async function* step(context: RunContext, block: number): Events<AdvancedBlock> {
  const started = performance.now()
  const { prepared, streams } = context
  const total = stepsAndBlocks(prepared)
  const first = total - prepared.architecture.blocks + block
  const batches = streams.refined.reduce((sum, { states }) => sum + states.batches, 0)
  let done = 0
  const progress = {
    step: () => ({ type: 'phaseProgress', phase: 'refining', done: first + ++done / batches, total }) as const
  }
  for (const { states } of streams.refined) await states.begin(block + 1)
  const bases = new Map<string, BlockWeights>()
  for (const { subject, states } of streams.refined) {
    const variant = prepared.variants.find(({ name }) => name === subject) as PreparedVariant
    const base = bases.get(variant.quantizer) ?? (await quantizedBlock(context, block, variant.quantizer))
    bases.set(variant.quantizer, base)
    const adapters = await adaptersOf(context, variant, block)
    yield* advance(context, block, states, { ...base, ...(adapters.size > 0 && { adapters }) }, progress)
  }
  const spool = []
  for (const { states } of streams.refined) spool.push(await states.finish())
  return { pass: 'advance', block, spool, durationMs: performance.now() - started }
}

/** A block under a quantized base. */
async function quantizedBlock({ prepared }: RunContext, block: number, key: string): Promise<BlockWeights> {
  const spec = specOf(prepared, key)
  const { linears, ...unquantized } = await readBlockWeights(prepared.weights, prepared.parts, block)
  const quantized = new Map<string, Float32Array>()
  for (const linear of prepared.linears.filter((one) => one.block === block)) {
    const weight = linears.get(linear.name) as Float32Array
    quantized.set(linear.name, (await quantizeLinear(prepared.base, linear, weight, spec)).Q)
  }
  return { ...unquantized, linears: quantized, roundInputs: quantizerFor(spec).roundInputs }
}

/** What was kept of a variant for the linears of a block, by name of the linear. */
async function adaptersOf(
  { prepared, folder, journal }: RunContext,
  { name, targets, scaling }: PreparedVariant,
  block: number
): Promise<Map<string, Adapter>> {
  const own = prepared.linears.filter((linear) => linear.block === block && targets.has(linear.path))
  const paths = own.map(({ path }) => path)
  const factors = decodeFactors(await readFactors(folder, factorFilesOf(journal, name), name, paths), paths)
  const adapted = own.flatMap(({ name, path }) => {
    const found = factors.get(path)
    return found === undefined ? [] : [[name, adapterOf(found, scaling)] as const]
  })
  return new Map(adapted)
}
