import { join } from 'node:path'
import type { WorkbenchInstallation } from './protocol'

/** The checkpoint and the texts that come with Quail. */
export function sampleFiles({ resources }: Pick<WorkbenchInstallation, 'resources'>): {
  readonly model: string
  readonly texts: readonly string[]
} {
  const sample = join(resources, 'sample')
  const names = ['sotu-calibration.txt', 'sotu-evaluation.txt', 'moby-evaluation.txt']
  return { model: join(sample, 'model'), texts: names.map((name) => join(sample, 'text', name)) }
}
