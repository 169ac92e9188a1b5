import { DEVICES, type DeviceReport, type DeviceSpeed, runsOn } from '../../shared/devices'
import { figureText } from '../../shared/figureText'
import { EXIT, type ExitCode, type Invocation } from '../grammar/command'
import type { CommandContext } from '../grammar/commandContext'
import { flag } from '../grammar/options'
import { formatCount } from '../output/numbers'
import { printJson } from '../output/printJson'
import { formatSize } from '../output/sizes'
import { renderPairs } from '../output/table'

export const devicesOptions = {
  measure: flag('measure the speed of a matrix product on each'),
  json: flag('print the answer as JSON')
} as const

type MeasuredDevice = DeviceReport & { readonly speed?: DeviceSpeed }

/** `quail devices`: every execution provider, with its limits or the reason why it is missing. */
export async function devicesAction(
  { options }: Invocation<typeof devicesOptions>,
  { engine, terminal, signal }: CommandContext
): Promise<ExitCode> {
  const devices: MeasuredDevice[] = await engine.call('devices', {}, { signal })
  for (const [i, device] of devices.entries()) {
    if (!options.measure || !device.available) continue
    devices[i] = { ...device, speed: await engine.call('measureDevice', { device: device.name }, { signal }) }
  }
  if (options.json) printJson(terminal, devices)
  else for (const line of renderPairs(devices.flatMap(describe))) terminal.print(line)
  return EXIT.done
}

function describe(device: MeasuredDevice): [string, string][] {
  const { name, available, detail, limits, speed } = device
  const facts = limits.map(({ name: limit, value, unit }) => `${limit} ${showLimit(value, unit)}`)
  const notes = [
    ...(available && facts.length > 0 ? [facts.join(', ')] : []),
    ...(speed === undefined ? [] : [`${figureText(speed.gflops)} GFLOP/s, float32 ${speed.size} × ${speed.size}`]),
    ...(available && !runsOn(name) ? [`recipes do not name it: runs compute on ${DEVICES.join(', ')}`] : [])
  ]
  return [[`${available ? '✓' : '✗'} ${name}`, detail], ...notes.map((note): [string, string] => ['', note])]
}

const showLimit = (value: number | string, unit?: 'bytes'): string => {
  if (typeof value === 'string') return value
  return unit === 'bytes' ? formatSize(value) : formatCount(value)
}
