import type { DeviceCard, deviceCalls } from '../shared/contract/devices'
import { type DeviceReport, runsOn } from '../shared/devices'
import { type MeasuringContext, measureSpeed, readSpeeds } from './deviceSpeeds'
import type { HandlersOf } from './handler'

/** Execution providers with what is known of them, and their measured speed. */
export function deviceHandlers(context: MeasuringContext): HandlersOf<typeof deviceCalls> {
  const { services, emit } = context
  let reports: Promise<DeviceReport[]> | undefined
  /** The setting that the reports were made with. */
  let threads: string | undefined

  /** A probe starts drivers and takes a moment: it is made once, unless somebody asks again. */
  async function cards(): Promise<DeviceCard[]> {
    if (threads !== process.env.QUAIL_THREADS) reports = undefined
    threads = process.env.QUAIL_THREADS
    reports ??= services.engine.call('devices', {})
    const found = await reports.catch((error: unknown) => {
      reports = undefined
      throw error
    })
    const measured = await readSpeeds(context)
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
    'devices.measure': ({ device }, { signal }) => measureSpeed(context, device, signal)
  }
}
