import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type MessagePortMain, type UtilityProcess, utilityProcess } from 'electron'
import type { Answer } from '../shared/contract/call'
import type { WindowEvent } from '../shared/contract/events'
import type { NamedPath } from '../shared/contract/purposes'
import type { SerializedError } from '../shared/errors'
import type { FromWorkbench, OfTokenizers, ToWorkbench, WorkbenchInstallation } from '../workbench/protocol'
import { killProcess } from './killProcess'
import { startTokenizerProcess, type TokenizerProcess } from './tokenizerProcess'

/** Main's side of the engine process. */
export interface WorkbenchProcess {
  /** Hands a checked call on; answers also when the process dies meanwhile. */
  call(name: string, input: unknown, task?: string): Promise<Answer>
  cancel(task: string): void
  /** Ends the process if there is one, and starts it anew, as often as it died before. */
  restart(): Promise<void>
  /** Lets the window name these paths from now on, for these purposes. */
  grant(paths: readonly NamedPath[]): Promise<void>
  /** Whether the window may name these paths. */
  check(paths: readonly NamedPath[]): Promise<Answer>
  /**
   * Ends the process: what runs stops at its next checkpoint, or at once. One that does not hear, or does not end at once
   * when it is told to, is killed; what it worked on is resumed later as after a crash.
   */
  close(atCheckpoint: boolean): Promise<void>
}

/** A process that dies sooner than this after its start is started again only after a pause. */
const STABLE_MS = 10_000
const PAUSE_MS = 2000
/** A process that is told to end is killed after this when it does not; the window has to be gone within three seconds. */
const END_MS = 1500
/** After so many early deaths in a row the process is left alone until the person asks for it. */
const MAX_DEATHS = 4

/**
 * Starts the engine process, and starts it again when it dies; what it was asked then is answered with an error, and what
 * it is asked between two processes waits for the next. One that dies early again and again is left alone.
 */
export function startWorkbenchProcess(
  installation: Pick<WorkbenchInstallation, 'version' | 'resources'>,
  onEvent: (event: WindowEvent) => void
): WorkbenchProcess {
  const pending = new Map<number, (answer: Answer) => void>()
  const argument = JSON.stringify({ ...installation, workerUrl: pathToFileURL(builtFile('engineWorker.js')).href })
  let nextId = 0
  let closing = false
  let deaths = 0
  let waiting: ToWorkbench[] = []
  let timer: NodeJS.Timeout | undefined
  let gaveUp: SerializedError | undefined
  let ended: Promise<void> = Promise.resolve()
  let child: UtilityProcess | undefined
  let hears = (): void => undefined
  fork()

  function fork(): void {
    clearTimeout(timer)
    gaveUp = undefined
    const startedAtMs = Date.now()
    const started = utilityProcess.fork(builtFile('workbench.js'), [argument], { serviceName: 'Quail engine' })
    const tokenizers = new Tokenizers(started)
    started.on('message', (message: FromWorkbench) => {
      if (message.kind === 'startTokenizer') tokenizers.start(message.id)
      else if (message.kind === 'endTokenizer') tokenizers.end(message.id)
      else if (message.kind === 'closed') setTimeout(() => killProcess(started), END_MS)
      else receive(message)
    })
    ended = new Promise((done) => {
      started.once('exit', (code) => {
        tokenizers.endAll()
        done()
        if (child !== started) return
        child = undefined
        if (!closing) buried(code, Date.now() - startedAtMs)
      })
    })
    child = started
    for (const message of waiting.splice(0)) started.postMessage(message)
  }

  function receive(message: FromWorkbench): void {
    if (message.kind === 'closing') hears()
    if (message.kind === 'event') onEvent(message.event)
    if (message.kind !== 'answer') return
    const answer = pending.get(message.id)
    pending.delete(message.id)
    answer?.(message.answer)
  }

  function buried(code: number, livedMs: number): void {
    deaths = livedMs < STABLE_MS ? deaths + 1 : 1
    if (deaths >= MAX_DEATHS) gaveUp = diedOften(code)
    const error = gaveUp ?? internal(`the engine process ended unexpectedly (exit code ${code})`)
    refuse(error)
    onEvent({ type: 'engine.state', state: gaveUp === undefined ? 'restarting' : 'gaveUp', error })
    if (gaveUp === undefined) timer = setTimeout(fork, deaths > 1 ? PAUSE_MS : 0)
  }

  /** Answers everything that nobody will answer any more. */
  function refuse(error: SerializedError): void {
    waiting = []
    for (const answer of pending.values()) answer({ ok: false, error })
    pending.clear()
  }

  function post(message: ToWorkbench): void {
    if (child === undefined) waiting.push(message)
    else child.postMessage(message)
  }

  function ask(message: (id: number) => ToWorkbench): Promise<Answer> {
    if (gaveUp !== undefined) return Promise.resolve({ ok: false, error: gaveUp })
    return new Promise((done) => {
      const id = nextId++
      pending.set(id, done)
      post(message(id))
    })
  }

  return {
    call: (name, input, task) => ask((id) => ({ kind: 'call', id, name, input, ...(task !== undefined && { task }) })),
    cancel: (task) => child?.postMessage({ kind: 'cancel', task }),
    async restart() {
      const old = child
      child = undefined
      refuse(internal('the engine process is started anew'))
      deaths = 0
      onEvent({ type: 'engine.state', state: 'restarting' })
      if (old !== undefined) await end(old, false)
      if (!closing) fork()
    },
    async grant(paths) {
      await ask((id) => ({ kind: 'grant', id, paths }))
    },
    check: (paths) => ask((id) => ({ kind: 'check', id, paths })),
    async close(atCheckpoint) {
      closing = true
      clearTimeout(timer)
      if (atCheckpoint) onEvent({ type: 'engine.state', state: 'closing' })
      if (child !== undefined) await end(child, atCheckpoint)
    }
  }

  /** Tells a process to end, and kills it when it does not hear, or not end where nothing is waited for. */
  async function end(old: UtilityProcess, atCheckpoint: boolean): Promise<void> {
    const heard = new Promise<void>((done) => {
      hears = done
    })
    old.postMessage({ kind: 'close', atCheckpoint })
    const timer = setTimeout(() => killProcess(old), END_MS)
    if (atCheckpoint) void heard.then(() => clearTimeout(timer))
    await ended
    clearTimeout(timer)
  }
}

/** The processes for tokenizers of one engine process. */
class Tokenizers {
  readonly #started = new Map<number, TokenizerProcess>()

  constructor(private readonly engine: UtilityProcess) {}

  start(id: number): void {
    const tell = (message: OfTokenizers, ...ports: MessagePortMain[]): void => this.engine.postMessage(message, ports)
    const started = startTokenizerProcess((end) => tell({ kind: 'tokenizerEnded', id, end }))
    this.#started.set(id, started)
    tell({ kind: 'tokenizer', id }, started.port)
  }

  end(id: number): void {
    this.#started.get(id)?.kill()
    this.#started.delete(id)
  }

  endAll(): void {
    for (const id of this.#started.keys()) this.end(id)
  }
}

const internal = (message: string): SerializedError => ({ code: 'INTERNAL', message })

const diedOften = (code: number): SerializedError =>
  internal(
    `the engine process ended ${MAX_DEATHS} times in a row soon after its start (exit code ${code}); free memory, or move a run or model that was added last away, and start it again; nothing that was stored is lost`
  )

const builtFile = (name: string): string => join(import.meta.dirname, name)
