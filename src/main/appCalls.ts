import { writeFile } from 'node:fs/promises'
import { app, type BrowserWindow, clipboard, dialog, nativeTheme, type OpenDialogOptions, shell } from 'electron'
import type { appCalls, PickKind } from '../shared/contract/app'
import type { OutputOf, ParsedInputOf } from '../shared/contract/call'
import type { WorkbenchProcess } from './workbenchProcess'

/** The functions that answer main's own calls. */
export type MainHandlers = {
  readonly [N in keyof typeof appCalls]: (
    input: ParsedInputOf<(typeof appCalls)[N]>
  ) => Promise<OutputOf<(typeof appCalls)[N]>>
}

const TEXTS = ['txt', 'jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet']

const PICK: Readonly<Record<PickKind, OpenDialogOptions>> = {
  model: { title: 'Choose a checkpoint folder', properties: ['openDirectory'] },
  folder: { title: 'Choose a folder', properties: ['openDirectory', 'createDirectory'] },
  texts: {
    title: 'Choose texts',
    properties: ['openFile'],
    filters: [
      { name: 'Texts and tables', extensions: TEXTS },
      { name: 'All files', extensions: ['*'] }
    ]
  },
  recipe: {
    title: 'Open a recipe',
    properties: ['openFile'],
    filters: [{ name: 'Recipes', extensions: ['yaml', 'yml', 'json'] }]
  },
  bundle: {
    title: 'Import a run bundle',
    properties: ['openFile'],
    filters: [
      { name: 'Run bundles', extensions: ['quailrun', 'tar', 'zip'] },
      { name: 'All files', extensions: ['*'] }
    ]
  }
}

/** Main's own calls: what only it can do, because Electron gives it to nobody else. */
export const mainHandlers = (window: () => BrowserWindow, workbench: WorkbenchProcess): MainHandlers => ({
  async 'app.info'() {
    const { electron = '', chrome = '', node = '' } = process.versions
    return {
      name: app.getName(),
      version: app.getVersion(),
      platform: process.platform,
      versions: { electron, chrome, node }
    }
  },
  async 'app.pick'({ kind, multiple }) {
    const { properties = [], ...options } = PICK[kind]
    const { canceled, filePaths } = await dialog.showOpenDialog(window(), {
      ...options,
      properties: multiple ? [...properties, 'multiSelections'] : properties
    })
    if (canceled || filePaths.length === 0) return []
    await workbench.grant(filePaths)
    return filePaths
  },
  async 'app.pickTarget'({ title, name }) {
    const { canceled, filePath } = await dialog.showSaveDialog(window(), { title, defaultPath: name })
    if (canceled || filePath === '') return null
    await workbench.grant([filePath])
    return filePath
  },
  async 'app.save'({ name, content, encoding }) {
    const { canceled, filePath } = await dialog.showSaveDialog(window(), { defaultPath: name })
    if (canceled || filePath === '') return null
    await writeFile(filePath, Buffer.from(content, encoding))
    await workbench.grant([filePath])
    return filePath
  },
  async 'app.reveal'({ path }) {
    shell.showItemInFolder(path)
  },
  async 'app.restartEngine'() {
    await workbench.restart()
  },
  async 'app.quit'() {
    // Answered first: a window that closes cannot take the answer.
    setImmediate(() => app.quit())
  },
  async 'app.copy'({ text }) {
    clipboard.writeText(text)
  },
  async 'app.setTheme'({ theme }) {
    nativeTheme.themeSource = theme
  }
})
