import { type BrowserWindow, dialog } from 'electron'
import { MAX_ASKED } from '../shared/contract/app'
import type { NamedPath, Purpose } from '../shared/contract/purposes'
import { badInput } from '../shared/errors'
import { visible } from '../shared/quoting'
import type { WorkbenchProcess } from './workbenchProcess'

const NAMES: Partial<Record<Purpose, string>> = { readModel: 'Checkpoint', readText: 'Text' }

/**
 * Asks the person, by name, whether what was not granted before may be read, and grants it. The question is main's, so that
 * no page can answer it.
 *
 * @returns whether everything may be read
 * @throws {AppError} BAD_INPUT for more names than anybody reads
 */
export async function askToRead(
  window: BrowserWindow,
  workbench: Pick<WorkbenchProcess, 'check' | 'grant'>,
  named: readonly NamedPath[]
): Promise<boolean> {
  const answers = await Promise.all(named.map((one) => workbench.check([one])))
  const asked = named.filter((_, i) => answers[i]?.ok === false)
  if (asked.length === 0) return true
  if (asked.length > MAX_ASKED) {
    throw badInput(
      `${asked.length} files were never chosen here; up to ${MAX_ASKED} are asked for at once, choose them`
    )
  }
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: 'May Quail read what is named here?',
    detail: asked.map(({ path, purpose }) => `${NAMES[purpose]}: ${visible(path)}`).join('\n'),
    buttons: ['Read them', 'Cancel'],
    defaultId: 1,
    cancelId: 1
  })
  if (response !== 0) return false
  await workbench.grant(asked)
  return true
}
