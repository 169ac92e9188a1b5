import type { DeviceName, Recipe } from '../../shared/recipe'
import type { DeviceFailure } from '../../shared/runEvents'
import { type JournalEntry, solvedBlocks } from '../../shared/runFolder'
import { DeviceError } from '../graph/session'
import type { Events } from './pass'

/** Where one attempt at a run computes, and why not where its recipe says. */
export interface Place {
  readonly device: DeviceName
  /** The words of the device that failed before. */
  readonly failure?: string
}

/**
 * Works on the recipe's device; when that fails and the recipe allows it, says so and works once more on the processor.
 * The work begins anew each time, as a resumed run does: after the last block that is finished.
 *
 * @throws {AppError} DEVICE with the reason, where the recipe says that the run is to stop
 */
export async function* onDeviceOf<T>(
  { device, onDeviceFailure }: Pick<Recipe, 'device' | 'onDeviceFailure'>,
  work: (place: Place) => Events<T>
): Events<T> {
  try {
    return yield* work({ device })
  } catch (error) {
    const failed = error instanceof DeviceError && error.device === device && device !== 'cpu'
    if (!failed || onDeviceFailure === 'stop') throw error
    const message = `${error.message}; the run goes on on the processor, after its last finished block`
    yield { type: 'warning', code: 'DEVICE_FAILED', message }
    return yield* work({ device: 'cpu', failure: error.message })
  }
}

/** What the journal keeps of where a step was computed. */
export const placeOfStep = ({ device, failure }: Place): Pick<JournalEntry, 'device' | 'deviceFailure'> => ({
  device,
  ...(failure !== undefined && { deviceFailure: failure })
})

/**
 * Which blocks were computed where, when not all were on the recipe's device; undefined when they were.
 *
 * @param last - where what follows the blocks was computed, unless the journal says so
 */
export function deviceFailureOf(
  device: DeviceName,
  journal: readonly JournalEntry[],
  last: Place
): DeviceFailure | undefined {
  const blocks = solvedBlocks(journal).map((entry) => entry.device ?? device)
  const reason = journal.find(({ deviceFailure }) => deviceFailure !== undefined)?.deviceFailure ?? last.failure
  const evaluation = journal.find(({ pass }) => pass === 'evaluate')?.device ?? last.device
  return reason === undefined ? undefined : { device, reason, blocks, evaluation }
}
