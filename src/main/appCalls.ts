import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { app, type BrowserWindow, clipboard, dialog, nativeTheme, type OpenDialogOptions, shell } from 'electron'
import type { appCalls, PickKind, TargetKind } from '../shared/contract/app'
import type { OutputOf, ParsedInputOf } from '../shared/contract/call'
import type { NamedPath, Purpose } from '../shared/contract/purposes'
import { badInput, deserializeError } from '../shared/errors'
import { askToRead } from './askToRead'
import { pickedFor } from './givenPaths'
import { runtimeProblem } from './runtimeProblem'
import type { WorkbenchProcess } from './workbenchProcess'

/** The functions that answer main's own calls. */
export type MainHandlers = {
  readonly [N in keyof typeof appCalls]: (
    input: ParsedInputOf<(typeof appCalls)[N]>
  ) => Promise<OutputOf<(typeof appCalls)[N]>>
}

const TEXTS = ['txt', 'jsonl', 'ndjson', 'json', 'csv', 'tsv', 'parquet', 'gz']

const PICK: Readonly<Record<PickKind, OpenDialogOptions>> = {
  model: { title: 'Choose a checkpoint folder', properties: ['openDirectory'] },
  models: { title: 'Choose a folder to search for checkpoints', properties: ['openDirectory'] },
  folder: { title: 'Choose a folder for adapters', properties: ['openDirectory', 'createDirectory'] },
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

const TARGET: Readonly<Record<TargetKind, { readonly title: string; readonly purpose: Purpose }>> = {
  recipe: { title: 'Save the recipe', purpose: 'writeRecipe' },
  bundle: { title: 'Write a run bundle', purpose: 'writeBundle' },
  base: { title: 'Write the quantized base to a new folder', purpose: 'writeFolder' }
}

/** Main's own calls: what only it can do, because Electron gives it to nobody else. */
export const mainHandlers = (window: () => BrowserWindow, workbench: WorkbenchProcess): MainHandlers => ({
  async 'app.info'() {
    const { electron = '', chrome = '', node = '' } = process.versions
    return {
      name: app.getName(),
      version: app.getVersion(),
      platform: process.platform,
      versions: { electron, chrome, node },
      runtimeProblem: runtimeProblem()
    }
  },
  async 'app.pick'({ kind, multiple }) {
    const { properties = [], ...options } = PICK[kind]
    const { canceled, filePaths } = await dialog.showOpenDialog(window(), {
      ...options,
      properties: multiple ? [...properties, 'multiSelections'] : properties
    })
    if (canceled || filePaths.length === 0) return []
    await workbench.grant(filePaths.flatMap((path) => pickedFor(kind, path)))
    return filePaths
  },
  async 'app.pickTarget'({ kind, name }) {
    const { title, purpose } = TARGET[kind]
    const { canceled, filePath } = await dialog.showSaveDialog(window(), { title, defaultPath: name })
    if (canceled || filePath === '') return null
    await workbench.grant([{ path: filePath, purpose }])
    return filePath
  },
  'app.allow': ({ named }) => askToRead(window(), workbench, named),
  async 'app.save'({ name, content, encoding }) {
    const { canceled, filePath } = await dialog.showSaveDialog(window(), { defaultPath: name })
    if (canceled || filePath === '') return null
    const target: NamedPath[] = [{ path: filePath, purpose: 'writeFile' }]
    await workbench.grant(target)
    const allowed = await workbench.check(target)
    if (!allowed.ok) throw deserializeError(allowed.error)
    await writeFile(filePath, Buffer.from(content, encoding))
    return filePath
  },
  async 'app.reveal'({ path }) {
    // File managers show nothing then, and say nothing.
    if (!existsSync(path)) throw badInput(`${path} is not there any more`)
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
