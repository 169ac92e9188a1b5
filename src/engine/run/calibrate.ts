import { OutputEnergies } from '../calibration/outputEnergies'
import type { TokenRows } from '../calibration/rows'
import { SecondMoments } from '../calibration/secondMoments'
import { giveBack } from '../graph/session'
import { stopHere } from '../graph/stopHere'
import type { BlockWeights } from '../models/blockWeights'
import { type CarriedBlock, readCarried } from '../models/carriedBlock'
import { finiteMoments, handOn, type Progress } from './advance'
import type { Calibrated } from './calibrated'
import type { Events, RunContext } from './pass'

/**
 * What the calibration rows say of a block: read where an earlier run found it, else computed. The rows' states then are those
 * behind the block; where it was read they stay what they were, and behind the last block they are what the run needs.
 *
 * @returns with what the journal notes of the block's weights, where second moments are used or kept
 */
export async function* calibrate(
  context: RunContext,
  block: number,
  { read, carried }: CarriedBlock,
  progress: Progress
): Events<{ readonly calibrated: Calibrated; readonly noted?: string }> {
  const { keeper, streams, prepared } = context
  if (keeper === undefined) {
    yield* catchUp(context, block)
    return { calibrated: yield* measure(context, block, carried, progress) }
  }
  const last = block === prepared.architecture.blocks - 1
  const noted = await keeper.note(block, streams.calibration, read)
  const found = await keeper.read(block)
  if (found !== undefined && (!last || (await keeper.readLast(streams.calibration)))) {
    return { calibrated: found, noted }
  }
  yield* told(context)
  yield* catchUp(context, block)
  const calibrated = yield* measure(context, block, carried, progress)
  await keeper.keep(block, calibrated)
  if (last) await keeper.keepLast(streams.calibration)
  yield* told(context)
  return { calibrated, noted }
}

async function* told({ keeper }: RunContext): Events {
  const message = keeper?.takeProblem()
  if (message !== undefined) yield { type: 'warning', code: 'MOMENTS', message }
}

/** Takes the rows' states through the blocks that an earlier run spared them, up to this one. */
async function* catchUp(context: RunContext, block: number): Events {
  const { prepared, runner, streams, keeper } = context
  for (let before = streams.calibration.generation; before < block; before++) {
    const { carried } = await readCarried(runner, prepared, before)
    let calibrated: Calibrated
    try {
      calibrated = yield* measure(context, before, carried)
    } finally {
      giveBack(carried.linears.values())
    }
    await streams.calibration.dropBetween()
    await keeper?.keep(before, calibrated)
  }
}

/** Runs the calibration rows through the block in full precision. */
async function* measure(
  { prepared, runner, streams, signal }: RunContext,
  block: number,
  weights: BlockWeights,
  progress?: Progress
): Events<Calibrated> {
  const { parts, calibration } = prepared
  const states = streams.calibration
  const sums = new SecondMoments(parts.inputs(block))
  const energies = new OutputEnergies()
  await states.begin(block + 1)
  for (let batch = 0; batch < states.batches; batch++) {
    await stopHere(signal)
    const { mask, tokens } = countedMask(calibration, ...states.rowsOf(batch))
    const more = batch + 1 < states.batches
    const found = await runner.forwardWithGrams(
      block,
      await states.feed(batch),
      mask,
      weights,
      more,
      states.stays(batch)
    )
    await handOn(prepared, block, states, batch, found)
    sums.add(found.grams, tokens)
    energies.add(found.energies, mask)
    if (progress !== undefined) yield progress.step()
  }
  await states.finish()
  const moments = finiteMoments(prepared, block, sums)
  return { moments, energies: new Map(parts.linears(block).map(({ name }) => [name, energies.of(name)])) }
}

/** 1 for each position of rows [begin, end) that counts in H, 0 for the others and for pads. */
function countedMask({ context, counted }: TokenRows, begin: number, end: number) {
  const mask = Float32Array.from(counted.subarray(begin * context, end * context))
  return { mask, tokens: mask.reduce((sum, value) => sum + value, 0) }
}
