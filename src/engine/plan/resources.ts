import { stat, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { PlanRequest } from '../../shared/engineApi'
import type { Finding } from '../../shared/findings'
import type { Cost } from '../../shared/plan'
import type { Recipe } from '../../shared/recipe'
import { knownDevices } from '../graph/knownDevices'

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
  const message = `about ${mibUp(peakMemoryBytes)} MiB of memory are needed, ${mibDown(free)} MiB are free: a smaller memory budget than ${mib(recipe.memoryBudget)} MiB keeps more on the disk`
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
    const free = disk === undefined ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize
    if (bytes <= free) continue
    const message = `about ${mibUp(bytes)} MiB of disk are needed for ${what}, ${mibDown(free)} MiB are free at ${at}`
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

async function deviceFindings({ device, onDeviceFailure }: Recipe): Promise<Finding[]> {
  if (device === 'cpu') return []
  const report = (await knownDevices()).find(({ name }) => name === device)
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

const MIB = 2 ** 20
const mib = (bytes: number): string => Math.round(bytes / MIB).toLocaleString('en')

/** What is needed is rounded up and what is free down, so that a lack of any size is one in the sentence. */
const mibUp = (bytes: number): string => Math.ceil(bytes / MIB).toLocaleString('en')
const mibDown = (bytes: number): string => Math.floor(bytes / MIB).toLocaleString('en')
