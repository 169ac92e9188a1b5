import type { RunListEntry } from '../../shared/contract/runs'
import { call } from '../api/desktop'
import { confirm } from '../components/confirm'
import { notifyError } from '../components/notify'
import { offerUndo } from '../components/undo'
import { formatBytes, plural } from '../format/numbers'

/** Deletes runs once the person has agreed to what is lost; resolves with whether it was done. */
export async function deleteRuns(runs: readonly Pick<RunListEntry, 'id' | 'title'>[]): Promise<boolean> {
  const ids = runs.map(({ id }) => id)
  const what = runs.length === 1 ? `the run “${runs[0]?.title}”` : plural(runs.length, 'run')
  try {
    const { bytes } = await call('runs.previewDeletion', { ids })
    const agreed = await confirm({
      title: `Delete ${what}?`,
      body: `Recipe, figures of every layer, log and ${formatBytes(bytes)} of working files will be lost; for ten minutes this can be undone. Adapters that were written stay where they are.`,
      confirm: `Delete ${plural(runs.length, 'run')}`
    })
    if (!agreed) return false
    const { deletion } = await call('runs.delete', { ids })
    offerUndo(`${plural(runs.length, 'run')} deleted`, deletion, `${formatBytes(bytes)} are freed in ten minutes.`)
    return true
  } catch (error) {
    notifyError('Nothing was deleted', error)
    return false
  }
}
