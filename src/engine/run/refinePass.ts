import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkedSteps, keptOf, type Refinement, RefinementResult } from '../../shared/refinement'
import { type RefinedSteps, RUN_FILES } from '../../shared/runFolder'
import { type LoraFactors, silenced } from '../methods/factors'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { foundRate } from '../refine/learningRate'
import { Refiner } from '../refine/refiner'
import { budgetLeft, withoutAdapter } from './comparisons'
import { decodeFactors, foundFactors, inBlock, isIntact, readFactors, writeKeptFactors } from './factorFiles'
import { layerFigures } from './layerFigures'
import type { Events, Pass, RunContext } from './pass'
import { roomLeft } from './streams'

/** A variant that is refined. */
interface Refined {
  readonly variant: PreparedVariant
  readonly settings: Refinement
}

/** One entry of the pass: steps after which a variant's held-out rows are asked; none at the start. */
interface Stretch extends Refined {
  readonly from: number
  readonly to: number
  /** Steps of the variants before. */
  readonly before: number
}

export const refinedIn = ({ variants }: PreparedRun): Refined[] =>
  variants.flatMap((variant) => (variant.spec.refine === undefined ? [] : [{ variant, settings: variant.spec.refine }]))

function stretchesOf(prepared: PreparedRun): Stretch[] {
  const stretches: Stretch[] = []
  let before = 0
  for (const refined of refinedIn(prepared)) {
    const ends = [0, ...checkedSteps(refined.settings, prepared.calibration.rows)]
    stretches.push(...ends.map((to, i) => ({ ...refined, from: ends[i - 1] ?? 0, to, before })))
    before += refined.settings.steps
  }
  return stretches
}

/** Steps of all variants, and the blocks that their evaluation rows go through after them. */
export const stepsAndBlocks = (prepared: PreparedRun): number =>
  refinedIn(prepared).reduce((sum, { settings }) => sum + settings.steps, 0) +
  (prepared.evaluation.length === 0 ? 0 : prepared.architecture.blocks)

/** What is at work, one variant at a time; a run goes on in one process. */
const working = new WeakMap<RunContext, { readonly variant: string; readonly refiner: Refiner }>()

/**
 * Refines the variants that ask for it, one after the other, against the whole model; each entry is some steps and the
 * divergence on the held-out rows after them. The state with the least is kept, be it the start or no adapter at all.
 */
export const refinePass: Pass<RefinedSteps> = {
  name: 'refine',
  blocks: (prepared) => stretchesOf(prepared).map((_, i) => i),
  async *begin(context, finished) {
    const total = stepsAndBlocks(context.prepared)
    yield { type: 'phaseStarted', phase: 'refining', total, unit: 'steps' }
    const next = stretchesOf(context.prepared)[finished]
    if (next !== undefined) {
      yield { type: 'phaseProgress', phase: 'refining', done: next.before + next.from, total }
    }
  },
  step,
  async *settle({ folder, journal }, entry) {
    const before = journal.findLast(
      (one): one is RefinedSteps => one.pass === 'refine' && one.block === entry.block - 1
    )
    const named = new Set([entry.state?.file, entry.factors?.file])
    for (const old of [before?.state?.file, before?.variant === entry.variant ? before.factors?.file : undefined]) {
      if (old !== undefined && !named.has(old)) await rm(join(folder, old), { force: true })
    }
    yield { type: 'refined', variant: entry.variant, result: entry.result }
  },
  async restore({ prepared, folder }, entries) {
    const stretches = stretchesOf(prepared)
    for (const [i, entry] of entries.entries()) {
      const last = i + 1 === entries.length || entries[i + 1]?.variant !== entry.variant
      if (stretches[i]?.variant.name !== entry.variant) return false
      if (!last) continue
      if (entry.factors !== undefined && !(await isIntact(folder, entry.factors))) return false
      if (i + 1 === entries.length && entry.state !== undefined && !(await isIntact(folder, entry.state))) return false
    }
    return true
  },
  async end(context) {
    await working.get(context)?.refiner.release()
    working.delete(context)
  }
}

async function* step(context: RunContext, block: number): Events<RefinedSteps> {
  const started = performance.now()
  const stretch = stretchesOf(context.prepared)[block] as Stretch
  const { variant, settings, from, to } = stretch
  const before = lastOf(context.journal, variant.name)
  const refiner = await refinerOf(context, stretch, before)
  const learningRate = before?.result.learningRate ?? (yield* begin(context.prepared, stretch, refiner))
  let finite = before?.result.curve.at(-1)?.divergence !== null
  for (let step = from + 1; step <= to && finite; step++) {
    // The moments have the first one's gradient since the start.
    if (step > 1) finite = (yield* learning(context.prepared, stretch, refiner, step)) !== null
    if (finite) await refiner.move(step, learningRate)
  }
  const quantized = before?.result.quantized ?? (await withoutAdapter(context.prepared, refiner.comparison))
  const divergence = finite ? await refiner.heldOut('stored') : null
  const curve = [...(before?.result.curve ?? []), { steps: to, divergence }]
  // Parsed, so that its keys have the order in which the journal gives them back.
  const result = RefinementResult.parse({
    ...settings,
    learningRate,
    ...countsOf(refiner),
    quantized,
    curve,
    kept: keptOf(quantized, curve)
  })
  const state = to === settings.steps ? {} : { state: await saveState(context, refiner, variant.name, to) }
  const same = before !== undefined && before.result.kept === result.kept
  const kept = same ? before.factors : await keep(context, refiner, variant, result.kept)
  const told = { variant: variant.name, result, ...state, ...(kept && { factors: kept }) }
  return { pass: 'refine', block, ...told, durationMs: performance.now() - started }
}

/** Takes the gradient of the first step at the start; gives the learning rate, found by it where the recipe names none. */
async function* begin(prepared: PreparedRun, stretch: Stretch, refiner: Refiner): Events<number> {
  const first = yield* learning(prepared, stretch, refiner, 1)
  const { learningRate, steps } = stretch.settings
  return learningRate ?? foundRate(first ?? { divergence: 0, slope: 0 }, steps)
}

const learning = (prepared: PreparedRun, { before }: Stretch, refiner: Refiner, step: number) =>
  progressing(prepared, before + step - 1, refiner.learn(step))

const lastOf = (journal: RunContext['journal'], variant: string): RefinedSteps | undefined =>
  journal.findLast((entry): entry is RefinedSteps => entry.pass === 'refine' && entry.variant === variant)

/** The refiner of a variant, where the last entry left it. */
async function refinerOf(
  context: RunContext,
  { variant, settings }: Refined,
  before: RefinedSteps | undefined
): Promise<Refiner> {
  const current = working.get(context)
  if (current?.variant === variant.name) return current.refiner
  await current?.refiner.release()
  working.delete(context)
  const { prepared, runner, streams, folder, signal, journal } = context
  const results = layerFigures(journal, variant.name)
  const ranks = new Map(results.map(({ name, rank }) => [name, rank]))
  const refiner = await Refiner.open(
    {
      prepared,
      variant,
      runner,
      signal,
      teacher: (begin, end) => streams.calibration.readPositions(begin, end),
      frobenius: new Map(results.map(({ name, frobeniusRank0 }) => [name, frobeniusRank0])),
      rankOf: ({ path }) => ranks.get(path) ?? variant.spec.rank,
      folder: join(folder, RUN_FILES.spool),
      budget: budgetLeft(context),
      room: roomLeft(streams)
    },
    settings
  )
  working.set(context, { variant: variant.name, refiner })
  if (before?.state !== undefined) await refiner.factors.load(join(folder, before.state.file))
  else await refiner.factors.begin((block) => startOf(context, variant, block))
  return refiner
}

/** The factors that the variant's method found for a block. */
async function startOf({ folder, journal }: RunContext, { name, targets }: PreparedVariant, block: number) {
  return decodeFactors(await readFactors(folder, inBlock(foundFactors(journal, name), block)), targets)
}

const countsOf = ({ comparison }: Refiner) => ({
  rows: comparison.rows.training.length,
  ...comparison.heldOutCounts
})

async function saveState({ folder }: RunContext, refiner: Refiner, variant: string, steps: number) {
  const file = `${RUN_FILES.spool}/refine.${variant}.${steps}.state`
  const { sha256 } = await refiner.factors.save(join(folder, file))
  return { file, sha256 }
}

/** Writes the factors as they are now, with lora_B = 0 where no adapter is best; the start lies with its blocks. */
async function keep(
  { prepared, folder }: RunContext,
  refiner: Refiner,
  { name }: PreparedVariant,
  kept: RefinementResult['kept']
) {
  if (kept === 0) return undefined
  const factors = new Map<string, LoraFactors>()
  for (let block = 0; block < prepared.architecture.blocks; block++) {
    for (const [path, found] of await refiner.stored(block))
      factors.set(path, kept === 'zero' ? silenced(found) : found)
  }
  return writeKeptFactors(folder, `refined-${name}-${kept}`, name, factors, prepared.recipe.factorDtype)
}

/** Tells how far a step of Adam is, the `done`-th of all steps of the pass. */
async function* progressing<T>(prepared: PreparedRun, done: number, work: AsyncGenerator<number, T>): Events<T> {
  const total = stepsAndBlocks(prepared)
  for (;;) {
    const next = await work.next()
    if (next.done) return next.value
    yield { type: 'phaseProgress', phase: 'refining', done: done + next.value, total }
  }
}
