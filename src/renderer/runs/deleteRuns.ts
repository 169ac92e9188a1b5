import type { RunListEntry } from '../../shared/contract/runs'
import { call } from '../api/desktop'
import { confirm } from '../components/confirm'
import { notifyDone, notifyError } from '../components/notify'
import { formatBytes, plural } from '../format/numbers'

/** Deletes runs once the person has agreed to what is lost; resolves with whether it was done. */
export async function deleteRuns(runs: readonly RunListEntry[]): Promise<boolean> {
  const ids = runs.map(({ id }) => id)
  const what = runs.length === 1 ? `the run “${runs[0]?.title}”` : plural(runs.length, 'run')
  try {
    const { bytes } = await call('runs.previewDeletion', { ids })
    const agreed = await confirm({
      title: `Delete ${what}?`,
      body: `Recipe, figures of every layer, log and ${formatBytes(bytes)} of working files will be lost. Adapters that were written stay where they are.`,
      confirm: `Delete ${plural(runs.length, 'run')}`
    })
    if (!agreed) return false
    await call('runs.delete', { ids })
    notifyDone(`${plural(runs.length, 'run')} deleted.`)
    return true
  } catch (error) {
    notifyError(`Not every run was deleted`, error)
    return false
  }
}
