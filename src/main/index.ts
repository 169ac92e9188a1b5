import { join } from 'node:path'
import { app, type BrowserWindow, session } from 'electron'
import type { WindowEvent } from '../shared/contract/events'
import { resourcesFolder } from '../shared/resourcesFolder'
import { mainHandlers } from './appCalls'
import { commandLineArguments, runCommandLine } from './commandLine'
import { purposesOf } from './givenPaths'
import { answerWindow, CHANNELS } from './ipc'
import { createJobSigns, type JobSigns } from './jobSigns'
import { forbidNetwork, lockSession } from './lockDown'
import { installMenu } from './menu'
import { openedFiles } from './openedFiles'
import { registerPageScheme, servePage } from './pageProtocol'
import { guardQuit, type QuitGuard } from './quit'
import { runtimeProblem } from './runtimeProblem'
import { createWindow, focusWindow } from './window'
import { startWorkbenchProcess, type WorkbenchProcess } from './workbenchProcess'

/*
 * Composition of the desktop app: one window, one engine process, and the signs between them. No logic.
 */

interface Parts {
  readonly window: BrowserWindow
  readonly workbench: WorkbenchProcess
  readonly signs: JobSigns
  readonly guard: QuitGuard
}

let parts: Parts | undefined

/** Program arguments without the program itself and, in development, the path of the app. */
const ownArguments = (argv: readonly string[]): string[] => argv.slice(app.isPackaged ? 1 : 2)

/** Tells the window; the desktop's own signs follow the same events. */
function tell(event: WindowEvent): void {
  if (parts === undefined) return
  const { window, signs, guard } = parts
  signs.accept(event)
  guard.accept(event)
  if (!window.isDestroyed()) window.webContents.send(CHANNELS.event, event)
}

function focus(): void {
  if (parts === undefined) return
  focusWindow(parts.window)
  parts.guard.shown()
}

async function openPaths(paths: readonly string[]): Promise<void> {
  if (parts === undefined || paths.length === 0) return
  await parts.workbench.grant(paths.flatMap(purposesOf))
  tell({ type: 'openPaths', paths })
}

function start(): void {
  lockSession(session.defaultSession)
  servePage(join(import.meta.dirname, '../renderer'))
  const resources = resourcesFolder(app.getAppPath())
  const workbench = startWorkbenchProcess({ version: app.getVersion(), resources }, tell)
  const window = createWindow(join(resources, 'icons/256x256.png'))
  const signs = createJobSigns(
    () => (window.isDestroyed() ? undefined : window),
    (to) => {
      focus()
      tell({ type: 'navigate', to })
    }
  )
  parts = { window, workbench, signs, guard: guardQuit(window, workbench, signs) }
  answerWindow(
    () => window.webContents,
    workbench,
    mainHandlers(() => window, workbench)
  )
  installMenu(window, tell)
  window.webContents.once(
    'did-finish-load',
    () => void openPaths(openedFiles(ownArguments(process.argv), process.cwd()))
  )
  app.on('second-instance', (_event, argv, directory) => {
    focus()
    void openPaths(openedFiles(ownArguments(argv), directory))
  })
  app.on('activate', focus)
}

const commandLine = commandLineArguments(process.argv)

if (commandLine !== undefined) {
  void runCommandLine(commandLine)
} else if (app.requestSingleInstanceLock()) {
  registerPageScheme()
  forbidNetwork()
  const problem = runtimeProblem()
  if (problem !== null) console.error(problem)
  const early: string[] = []
  app.on('open-file', (event, path) => {
    event.preventDefault()
    if (parts === undefined) early.push(path)
    else void openPaths([path])
  })
  app.on('window-all-closed', () => app.quit())
  void app.whenReady().then(() => {
    start()
    parts?.window.webContents.once('did-finish-load', () => void openPaths(early))
  })
} else {
  app.quit()
}
