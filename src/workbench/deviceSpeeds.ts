import { z } from 'zod'
import type { MeasuredSpeed } from '../shared/contract/devices'
import { PROVIDERS, type ProviderName } from '../shared/devices'
import { badInput } from '../shared/errors'
import { changeSetting, readSetting } from '../store/settings'
import type { WorkbenchContext } from './context'

/** Key of the settings that keeps the last measurement of each device. */
const SPEEDS = 'devices.speeds'

const Speeds = z.partialRecord(
  z.enum(PROVIDERS),
  z.object({
    device: z.enum(PROVIDERS),
    gflops: z.number(),
    size: z.number(),
    repetitions: z.number(),
    bestMs: z.number(),
    measuredAtMs: z.number()
  })
)

/** What measuring needs of the workbench. */
export type MeasuringContext = Pick<WorkbenchContext, 'services' | 'emit'> & {
  readonly queue: Pick<WorkbenchContext['queue'], 'running'>
}

/** The last measurement of each device, which outlives restarts. */
export const readSpeeds = async ({
  services
}: Pick<WorkbenchContext, 'services'>): Promise<Partial<Record<ProviderName, MeasuredSpeed>>> =>
  (await readSetting(services.store, SPEEDS, Speeds)) ?? {}

/**
 * Measures a device and remembers it.
 *
 * @throws {AppError} BAD_INPUT while a run computes, DEVICE when the provider is missing
 */
export async function measureSpeed(
  context: MeasuringContext,
  device: ProviderName,
  signal: AbortSignal
): Promise<MeasuredSpeed> {
  const { services, queue, emit } = context
  // Both would be slower than they are, and the measurement would stay wrong for good.
  if (queue.running !== null) throw badInput(`run ${queue.running} computes now; measure when it has ended`)
  const speed = await services.engine.call('measureDevice', { device }, { signal })
  const measured: MeasuredSpeed = { ...speed, measuredAtMs: Date.now() }
  await changeSetting(services.store, SPEEDS, Speeds, (now) => ({ ...now, [device]: measured }))
  emit({ type: 'settings.changed' })
  return measured
}
