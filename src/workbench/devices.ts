import { z } from 'zod'
import type { DeviceCard, deviceCalls, MeasuredSpeed } from '../shared/contract/devices'
import { type DeviceReport, PROVIDERS, runsOn } from '../shared/devices'
import { badInput } from '../shared/errors'
import { readSetting, writeSetting } from '../store/settings'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'

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

/** Execution providers with what is known of them, and their measured speed. */
export function deviceHandlers({
  services,
  queue,
  emit
}: Pick<WorkbenchContext, 'services' | 'emit'> & {
  readonly queue: Pick<WorkbenchContext['queue'], 'running'>
}): HandlersOf<typeof deviceCalls> {
  const { store, engine } = services
  let reports: Promise<DeviceReport[]> | undefined
  const speeds = async () => (await readSetting(store, SPEEDS, Speeds)) ?? {}

  /** A probe starts drivers and takes a moment: it is made once, unless somebody asks again. */
  async function cards(): Promise<DeviceCard[]> {
    reports ??= engine.call('devices', {})
    const found = await reports.catch((error: unknown) => {
      reports = undefined
      throw error
    })
    const measured = await speeds()
    return found.map((report) => ({
      ...report,
      usedByRuns: runsOn(report.name),
      speed: measured[report.name] ?? null
    }))
  }

  return {
    'devices.list': cards,
    async 'devices.refresh'() {
      reports = undefined
      const found = await cards()
      emit({ type: 'settings.changed' })
      return found
    },
    async 'devices.measure'({ device }, { signal }) {
      // Both would be slower than they are, and the measurement would stay wrong for good.
      if (queue.running !== null) throw badInput(`run ${queue.running} computes now; measure when it has ended`)
      const speed = await engine.call('measureDevice', { device }, { signal })
      const measured: MeasuredSpeed = { ...speed, measuredAtMs: Date.now() }
      await writeSetting(store, SPEEDS, { ...(await speeds()), [device]: measured })
      emit({ type: 'settings.changed' })
      return measured
    }
  }
}
