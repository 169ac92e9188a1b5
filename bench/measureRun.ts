import { readdirSync, statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RUN_FILES } from '../src/shared/runFolder'
import { benchRecord, type RunSizes } from './benchRecord'
import { childOutput } from './childOutput'
import { commandEnvironment } from './commandEnvironment'
import type { WholeRunReport } from './wholeRun'

export interface MeasuredRun extends WholeRunReport {
  /** From the start of the process to its end. */
  readonly wallSeconds: number
  /** The most that was seen below its folder, beside the adapters. */
  readonly diskBytes: number
}

/** The program of a run as it is now. */
export const WHOLE_RUN = fileURLToPath(new URL('./wholeRun.js', import.meta.url))

/** Carries out one run in a process of its own and says what it took; its folder is removed. */
export async function measureRun(folder: string, sizes: RunSizes, program = WHOLE_RUN): Promise<MeasuredRun> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, RUN_FILES.record), JSON.stringify(await benchRecord(folder, sizes)))
  const started = performance.now()
  let diskBytes = 0
  const watch = setInterval(() => {
    diskBytes = Math.max(diskBytes, bytesBelow(folder))
  }, LOOK_MS)
  const child = childOutput(process.execPath, [program, folder], commandEnvironment())
  const output = await child.finally(() => clearInterval(watch))
  const report: WholeRunReport = JSON.parse(output)
  const wallSeconds = (performance.now() - started) / 1000
  await rm(folder, { recursive: true })
  if (report.status !== 'completed') throw new Error(`the run ${report.status}: ${report.error}`)
  return { ...report, wallSeconds, diskBytes }
}

/** Between two looks at the disk. */
const LOOK_MS = 50

/** Files may vanish while they are looked at. */
function bytesBelow(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.startsWith(join(folder, 'out'))) continue
    bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}
