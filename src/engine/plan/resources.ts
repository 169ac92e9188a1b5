import { stat, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { PlanRequest } from '../../shared/engineApi'
import type { Finding } from '../../shared/findings'
import type { Cost } from '../../shared/plan'
import type { Recipe } from '../../shared/recipe'
import { listDevices } from '../graph/devices'

/** Memory, disks and the device, as they are now, against what the run needs. */
export async function resourceFindings(
  recipe: Recipe,
  cost: Cost,
  folders: PlanRequest['folders']
): Promise<Finding[]> {
  return [
    ...memoryFindings(recipe, cost, freemem()),
    ...(folders === undefined ? [] : await diskFindings(cost, folders)),
    ...(await deviceFindings(recipe))
  ]
}

/** Least budget for hidden states that is worth a button. */
const SMALLEST_BUDGET = 64 * 2 ** 20

/** @param free - bytes of memory */
export function memoryFindings(recipe: Recipe, { peakMemoryBytes, spoolBytes }: Cost, free: number): Finding[] {
  if (peakMemoryBytes <= free) return []
  const message = `about ${mib(peakMemoryBytes)} MiB of memory are needed, ${mib(free)} MiB are free: a smaller memory budget than ${mib(recipe.memoryBudget)} MiB keeps more on the disk`
  // The spool holds all hidden states twice.
  const hidden = Math.min(spoolBytes / 2, recipe.memoryBudget)
  const budget = Math.floor((hidden - (peakMemoryBytes - free)) / SMALLEST_BUDGET) * SMALLEST_BUDGET
  const changes = [{ path: ['memoryBudget'], value: budget }]
  const fix = budget > 0 ? { label: `Keep ${mib(budget)} MiB in memory`, changes } : undefined
  return [{ code: 'MEMORY', severity: 'warning', subject: 'device', message, fix }]
}

interface Need {
  readonly bytes: number
  readonly what: string
}

/** What lands on one file system is added up. */
async function diskFindings(cost: Cost, { spool, out }: NonNullable<PlanRequest['folders']>): Promise<Finding[]> {
  const [runs, adapters] = await Promise.all([existing(spool), existing(out)])
  const sameDisk = (await stat(runs)).dev === (await stat(adapters)).dev
  const needs: (Need & { at: string })[] = sameDisk
    ? [{ at: runs, bytes: cost.spoolBytes + cost.adapterBytes, what: 'hidden states and adapters' }]
    : [
        { at: runs, bytes: cost.spoolBytes, what: 'hidden states' },
        { at: adapters, bytes: cost.adapterBytes, what: 'adapters' }
      ]
  const findings: Finding[] = []
  for (const { at, bytes, what } of needs) {
    const disk = await statfs(at).catch(() => undefined)
    if (disk === undefined || bytes <= disk.bavail * disk.bsize) continue
    const message = `about ${mib(bytes)} MiB of disk are needed for ${what}, ${mib(disk.bavail * disk.bsize)} MiB are free at ${at}`
    findings.push({ code: 'DISK', severity: 'error', subject: 'output', message })
  }
  return findings
}

/** The nearest folder on the way up that is there. */
async function existing(path: string): Promise<string> {
  let folder = resolve(path)
  while ((await stat(folder).catch(() => undefined)) === undefined && dirname(folder) !== folder)
    folder = dirname(folder)
  return folder
}

let devices: ReturnType<typeof listDevices> | undefined

async function deviceFindings({ device, onDeviceFailure }: Recipe): Promise<Finding[]> {
  if (device === 'cpu') return []
  devices ??= listDevices() // a probe of the adapter takes longer than a plan
  const report = (await devices).find(({ name }) => name === device)
  const fix = { label: 'Use the processor', changes: [{ path: ['device'], value: 'cpu' }] }
  if (report?.available === true) {
    if (report.software !== true) return []
    const slow = `${device} is a ${report.detail} here: it computes the same, many times slower than the processor by itself`
    return [{ code: 'SOFTWARE_DEVICE', severity: 'warning', subject: 'device', message: slow, fix }]
  }
  const message = `${device} cannot be used on this machine: ${report?.detail ?? 'unknown device'}`
  if (onDeviceFailure === 'stop') return [{ code: 'DEVICE', severity: 'error', subject: 'device', message, fix }]
  const instead = `${message}; the run will be computed on the processor`
  return [{ code: 'DEVICE', severity: 'warning', subject: 'device', message: instead, fix }]
}

const mib = (bytes: number): string => Math.round(bytes / 2 ** 20).toLocaleString('en')
