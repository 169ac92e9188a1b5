import { isAbsolute } from 'node:path'
import { type IpcMainEvent, type IpcMainInvokeEvent, ipcMain, type WebContents } from 'electron'
import { type CallName, CONTRACT, MAIN_CALLS } from '../shared/contract'
import { type Answer, MAX_INPUT } from '../shared/contract/call'
import type { DesktopChannels } from '../shared/contract/desktopApi'
import type { NamedPath } from '../shared/contract/purposes'
import { AppError, badInput, serializeError } from '../shared/errors'
import type { MainHandlers } from './appCalls'
import { purposesOf } from './givenPaths'
import { TRUSTED_ORIGIN } from './lockDown'
import type { WorkbenchProcess } from './workbenchProcess'

export const CHANNELS: DesktopChannels = {
  call: 'quail.call',
  cancel: 'quail.cancel',
  event: 'quail.event',
  dropped: 'quail.dropped'
}

/** The longest task name and drop that a window has reason to send. */
const MAX_TASK = 100
const MAX_DROPPED = 1000

/**
 * Answers the window, and only its own main frame: checks sender, name, size and input of every call against the
 * contract, answers main's own calls and hands the others to the engine process.
 */
export function answerWindow(page: () => WebContents, workbench: WorkbenchProcess, handlers: MainHandlers): void {
  ipcMain.handle(CHANNELS.call, async (event, name: unknown, input: unknown, task: unknown): Promise<Answer> => {
    try {
      assertTrustedSender(event, page())
      const checked = checkCall(name, input)
      const taskName = typeof task === 'string' && task.length <= MAX_TASK ? task : undefined
      if (!isMainCall(checked.name)) return await workbench.call(checked.name, checked.input, taskName)
      const paths = pathsOf(checked.name, checked.input)
      // What names no path is answered whether the engine process lives or not.
      const allowed = paths.length === 0 ? undefined : await workbench.check(paths)
      if (allowed?.ok === false) return allowed
      return { ok: true, value: await handlers[checked.name](checked.input as never) }
    } catch (error) {
      return { ok: false, error: serializeError(error) }
    }
  })
  ipcMain.on(CHANNELS.cancel, (event, task: unknown) => {
    if (isTrusted(event, page()) && typeof task === 'string' && task.length <= MAX_TASK) workbench.cancel(task)
  })
  ipcMain.handle(CHANNELS.dropped, async (event, paths: unknown): Promise<string[]> => {
    assertTrustedSender(event, page())
    if (!Array.isArray(paths) || paths.length > MAX_DROPPED) return []
    const dropped = paths.filter((path): path is string => typeof path === 'string' && isAbsolute(path))
    await workbench.grant(dropped.flatMap(purposesOf))
    return dropped
  })
}

function checkCall(name: unknown, input: unknown): { name: CallName; input: unknown } {
  if (typeof name !== 'string' || !isCall(name)) {
    throw badInput(`the window asked for ${JSON.stringify(name)?.slice(0, 60)}, which is no call of the contract`)
  }
  const { input: schema, maxInput = MAX_INPUT } = CONTRACT[name]
  const size = JSON.stringify(input)?.length ?? 0
  if (size > maxInput) throw badInput(`${name}: the input has ${size} characters; up to ${maxInput} are accepted`)
  const parsed = schema.safeParse(input)
  if (parsed.success) return { name, input: parsed.data }
  const [issue] = parsed.error.issues
  throw badInput(`${name}: ${issue?.path.map(String).join('.') || 'input'}: ${issue?.message ?? 'not as declared'}`)
}

const isCall = (name: string): name is CallName => Object.hasOwn(CONTRACT, name)
const isMainCall = (name: CallName): name is keyof typeof MAIN_CALLS => Object.hasOwn(MAIN_CALLS, name)

const pathsOf = (name: keyof typeof MAIN_CALLS, input: unknown): readonly NamedPath[] =>
  (MAIN_CALLS[name].paths as ((input: unknown) => readonly NamedPath[]) | undefined)?.(input) ?? []

type SentEvent = Pick<IpcMainInvokeEvent | IpcMainEvent, 'senderFrame' | 'sender'>

const isTrusted = ({ sender, senderFrame }: SentEvent, page: WebContents): boolean =>
  sender === page && senderFrame !== null && senderFrame === page.mainFrame && senderFrame.origin === TRUSTED_ORIGIN

function assertTrustedSender(event: SentEvent, page: WebContents): void {
  if (isTrusted(event, page)) return
  throw new AppError('INTERNAL', `a call came from ${event.senderFrame?.url ?? 'a closed frame'}, not from the window`)
}
