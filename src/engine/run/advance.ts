import { AppError } from '../../shared/errors'
import type { RunEventDraft } from '../../shared/runEvents'
import { realTokens } from '../calibration/rows'
import type { SecondMoments } from '../calibration/secondMoments'
import { giveBack } from '../graph/session'
import { stopHere } from '../graph/stopHere'
import { SecondMoment } from '../methods/secondMoment'
import { stateSize } from '../models/architecture'
import type { NextStates } from '../models/blockRunner'
import type { BlockWeights } from '../models/blockWeights'
import { firstNonFinite } from '../numerics/matrix'
import type { PreparedRun } from '../prepare/preparedRun'
import type { HiddenStates } from './hiddenStates'
import type { Events, RunContext } from './pass'

/** Counts finished steps. */
export interface Progress {
  step(): RunEventDraft
}

/** Runs one stream of evaluation rows through the block with the given weights. */
export async function* advance(
  { prepared, runner, streams, signal }: RunContext,
  block: number,
  states: HiddenStates,
  weights: BlockWeights,
  progress: Progress
): Events {
  const carried = states.batches > 1 ? await runner.carriedAdapters(weights) : weights
  try {
    for (let batch = 0; batch < states.batches; batch++) {
      await stopHere(signal)
      const real = realTokens(streams.evaluation, ...states.rowsOf(batch))
      const next = await runner.advance(block, await states.feed(batch), real, carried, states.stays(batch))
      await handOn(prepared, block, states, batch, next)
      yield progress.step()
    }
  } finally {
    giveBack(Object.values(carried.adaptersThere ?? {}))
  }
}

/**
 * Replaces a batch's states by the next ones.
 *
 * @throws {AppError} NUMERICS naming the block where a value is not finite, IO as `HiddenStates.write`
 */
export async function handOn(
  prepared: PreparedRun,
  block: number,
  states: HiddenStates,
  batch: number,
  { next, there }: NextStates
): Promise<void> {
  try {
    assertFinite(prepared, block, next)
  } catch (error) {
    giveBack([there])
    throw error
  }
  await states.write(batch, next, there)
}

/** @throws {AppError} NUMERICS naming the block where a value is not finite */
function assertFinite(prepared: PreparedRun, block: number, values: Float32Array): void {
  const index = firstNonFinite(values)
  if (index < 0) return
  const channel = index % stateSize(prepared.architecture)
  throw activationError(prepared, block, `its output is ${values[index]} in channel ${channel}`)
}

const activationError = ({ architecture, checkpoint }: PreparedRun, block: number, found: string): AppError =>
  new AppError(
    'NUMERICS',
    `${checkpoint.directory}: ${architecture.blockPath(block)}: ${found}; activations must be finite`
  )

/**
 * H of each distinct input of the block. All of one is finite where its diagonal is, for H_ij² ≤ H_ii · H_jj.
 *
 * @throws {AppError} NUMERICS naming the block where one is not finite
 */
export const finiteMoments = (prepared: PreparedRun, block: number, sums: SecondMoments): SecondMoment[] =>
  prepared.parts.inputs(block).map((size, input) => {
    const moment = new SecondMoment({ data: sums.take(input), rows: size, cols: size })
    if (firstNonFinite(moment.diagonal) < 0) return moment
    throw activationError(prepared, block, 'the second moment of its inputs overflowed')
  })
