import { AppError } from '../../shared/errors'
import type { RunEventDraft } from '../../shared/runEvents'
import type { SolvedBlock } from '../../shared/runFolder'
import { liesIn } from '../base/linearError'
import { collectArrays } from '../graph/collectGarbage'
import { DeviceTensor, giveBack } from '../graph/session'
import type { OutputCurvature } from '../methods/outputCurvature'
import type { SecondMoment } from '../methods/secondMoment'
import { MomentsThere, type Sharing } from '../methods/sharedMoments'
import type { Adapter, BlockWeights } from '../models/blockWeights'
import { type CarriedBlock, carriedBlock } from '../models/carriedBlock'
import { squaredNorm } from '../numerics/matrix'
import { isDecidedLate, type PreparedVariant, specOf } from '../prepare/preparedRun'
import { quantizerFor } from '../quantizers/registry'
import { adapterOf } from '../refine/trainedFactors'
import type { LinearJob } from '../solve/blockSolver'
import type { LinearTask, SolvedLinear, SolvedVariant, VariantTask } from '../solve/solveLinear'
import { advance } from './advance'
import { calibrate } from './calibrate'
import type { Calibrated } from './calibrated'
import { chosenRanksOf, curvatureOf } from './curvaturePass'
import { writeFactors } from './factorFiles'
import type { Events, RunContext } from './pass'

/**
 * One block: second moments from the full-precision calibration rows, quantization, every variant's factors, and the next
 * hidden states of every stream.
 *
 * @returns what the journal needs to count the block as finished; everything that it names is on the disk
 */
export async function* blockStep(context: RunContext, block: number): Events<SolvedBlock> {
  const carried: DeviceTensor[] = []
  const moments = new MomentsThere()
  try {
    return yield* solvedBlock(context, block, carried, moments)
  } finally {
    giveBack(carried)
    moments.giveBack()
  }
}

/**
 * @param carried - where weights are put that lie on a device
 * @param moments - where second moments are that lie there, from one quantizer to the next
 */
async function* solvedBlock(
  context: RunContext,
  block: number,
  carried: DeviceTensor[],
  moments: MomentsThere
): Events<SolvedBlock> {
  const { prepared, streams, folder, signal } = context
  const started = performance.now()
  const advanced = streams.solved.filter((states) => states !== streams.calibration)
  for (const states of advanced) await states.begin(block + 1)
  const progress = new Progress(context, block)
  const { tasks, unquantized, noted } = yield* inFullPrecision(context, block, carried, progress)
  const fingerprints: SolvedBlock['fingerprints'] = {}
  const solved: SolvedVariant[] = []
  const keys = [...prepared.quantizers.keys()]
  for (const key of keys) {
    const linears: SolvedLinear[] = []
    try {
      const sharing = { there: moments, again: key !== keys.at(-1) }
      yield* solveBlock(context, block, key, { tasks, sharing }, linears, progress)
      fingerprints[key] = linears.map(({ fingerprint }) => fingerprint)
      solved.push(...linears.flatMap((linear) => linear.solved))
      if (key === keys.at(-1)) {
        tasks.length = 0 // with them go weights in full precision and second moments
        giveBack(carried)
        if (block + 1 < prepared.architecture.blocks) context.ahead.begin(block + 1)
      }
      collectArrays()
      yield* advanceQuantized(context, block, key, unquantized, linears, progress)
    } finally {
      giveBack(linears.map(({ Q }) => Q))
    }
  }
  signal.throwIfAborted()
  const factors = await writeFactors(folder, block, solved, prepared.recipe.factorDtype)
  for (const states of advanced) await states.finish()
  const spool = streams.solved.flatMap(({ entry }) => entry ?? [])
  const results = layersOf(solved, false)
  const uniform = layersOf(solved, true)
  const told = { factors, spool, fingerprints, results, ...(uniform.length > 0 && { uniform }) }
  const label = noted !== undefined && { moments: noted }
  return { pass: 'solve', block, ...told, ...label, durationMs: performance.now() - started }
}

/** What a block takes beside the weights of its linears. */
type Unquantized = Pick<BlockWeights, 'parameters' | 'experts'>

/** The block in full precision: second moments, the next hidden states, and what every quantizer needs of its linears. */
async function* inFullPrecision(
  context: RunContext,
  block: number,
  lying: DeviceTensor[],
  progress: Progress
): Events<{ readonly tasks: LinearTask[]; readonly unquantized: Unquantized; readonly noted: string | undefined }> {
  const { streams, ahead, runner } = context
  const atHand = await carriedBlock(runner, block, await ahead.take(block))
  const { read, carried } = atHand
  for (const weight of carried.linears.values()) if (weight instanceof DeviceTensor) lying.push(weight)
  const { calibrated, noted } = yield* calibrate(context, block, atHand, progress)
  collectArrays()
  if (streams.full !== undefined) yield* advance(context, block, streams.full.states, carried, progress)
  const tasks = linearTasks(context, block, atHand, { ...calibrated, curvature: await curvatureOf(context, block) })
  const { parameters, experts } = read
  return { tasks, unquantized: { parameters, experts }, noted }
}

const layersOf = (solved: readonly SolvedVariant[], uniform: boolean) =>
  solved.filter((one) => one.uniform === uniform).map(({ variant, result }) => ({ variant, result }))

/** Counts finished steps of a block, so that the bar moves within it. */
class Progress {
  #done = 0
  readonly #steps: number

  constructor(
    { prepared, streams, keeper }: RunContext,
    private readonly block: number
  ) {
    const advanced = streams.solved.filter((states) => states !== streams.calibration || keeper?.isUsing !== true)
    const batches = advanced.reduce((sum, states) => sum + states.batches, 0)
    this.#steps = batches + prepared.parts.linears(block).length * prepared.quantizers.size
    this.total = prepared.architecture.blocks
  }

  readonly total: number

  step(): RunEventDraft {
    this.#done++
    return { type: 'phaseProgress', phase: 'blocks', done: this.block + this.#done / this.#steps, total: this.total }
  }
}

/**
 * Quantizes every linear of the block with one quantizer and solves its variants.
 *
 * @param found - where solved linears are put, in order
 */
async function* solveBlock(
  context: RunContext,
  block: number,
  key: string,
  { tasks, sharing }: { readonly tasks: readonly LinearTask[]; readonly sharing: Sharing },
  found: SolvedLinear[],
  progress: Progress
): Events {
  const { solver, signal } = context
  const jobs = tasks.map((task) => jobOf(context, key, task))
  for await (const linear of solver.solve(jobs, signal, sharing)) {
    const { path } = (tasks[found.push(linear) - 1] as LinearTask).linear
    yield { type: 'layerFinished', block, layer: path, results: layersOf(linear.solved, false) }
    yield progress.step()
  }
}

/** A linear under the quantizer of that key, with the variants that sit on it. */
function jobOf({ prepared, journal }: RunContext, key: string, task: LinearTask): LinearJob {
  const { base, recipe, variants } = prepared
  const own = variants.filter(({ quantizer, targets }) => quantizer === key && targets.has(task.linear.path))
  return {
    task,
    spec: specOf(prepared, key),
    readBase: base && (() => base.read(task.linear)),
    variants: own.flatMap((variant) => candidatesOf(variant, chosenRanksOf(journal, variant.name)?.[task.linear.path])),
    seed: recipe.seed,
    factorDtype: recipe.factorDtype
  }
}

/** What is solved of a variant for a linear: its rank, and one beside it where it was given one of its own. */
function candidatesOf({ name, spec, scaling }: PreparedVariant, rank: number | undefined): VariantTask[] {
  const uniform = { name, spec, scaling }
  if (spec.rankBudget === undefined) return [uniform]
  if (rank === undefined) throw new AppError('INTERNAL', `${name}: no ranks were chosen`)
  return [
    { ...uniform, spec: { ...spec, rank } },
    { ...uniform, uniform: true }
  ]
}

/** What every quantizer needs of the block's linears, computed once for all of them. */
function linearTasks(
  { prepared }: RunContext,
  block: number,
  { read, carried }: CarriedBlock,
  { moments, energies, curvature }: Calibrated & { readonly curvature: ReadonlyMap<string, OutputCurvature> }
): LinearTask[] {
  return prepared.linears
    .filter((linear) => linear.block === block)
    .map((linear) => {
      const weight = read.linears.get(linear.name) as Float32Array
      const moment = moments[linear.input] as SecondMoment
      const known = { moment, curvature: curvature.get(linear.path), outputEnergy: energies.get(linear.name) as number }
      return { linear, weight, lies: liesIn(carried, linear), ...known, weightNorm: squaredNorm(weight) }
    })
}

/** Advances the quantized stream and those of the variants on this quantizer: Q alone, and with s · B · A beside it. */
async function* advanceQuantized(
  context: RunContext,
  block: number,
  key: string,
  unquantized: Unquantized,
  solved: readonly SolvedLinear[],
  progress: Progress
): Events {
  const { prepared, streams } = context
  const names = prepared.parts.linears(block).map(({ name }) => name)
  const linears = new Map(names.map((name, i) => [name, (solved[i] as SolvedLinear).Q]))
  const { roundInputs } = quantizerFor(specOf(prepared, key))
  const base: BlockWeights = { linears, ...unquantized, roundInputs }
  const stream = streams.quantized.get(key)
  if (stream !== undefined) yield* advance(context, block, stream.states, base, progress)
  for (const variant of prepared.variants) {
    const own = streams.variants.get(variant.name)
    if (own === undefined || variant.quantizer !== key || isDecidedLate(variant)) continue
    const adapters = adaptersOf(variant, names, solved)
    yield* advance(context, block, own.states, { ...base, adapters }, progress)
  }
}

/** The factors of the linears that the variant targets, scaled. */
function adaptersOf(
  variant: PreparedVariant,
  names: readonly string[],
  solved: readonly SolvedLinear[]
): Map<string, Adapter> {
  const adapters = new Map<string, Adapter>()
  for (const [i, name] of names.entries()) {
    const found = solved[i]?.solved.find((one) => one.variant === variant.name)
    if (found !== undefined) adapters.set(name, adapterOf(found.factors, variant.scaling))
  }
  return adapters
}
