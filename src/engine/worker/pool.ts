import type { EngineMethod } from '../../shared/engineApi'
import { AppError, serializeError } from '../../shared/errors'
import type { StartTokenizer } from '../../shared/tokenizerProcess'
import { deviceLockMemory } from '../graph/deviceLock'
import { ABANDON_MS, type CallOptions, EngineThread, lastEvent } from './engineThread'
import type { InputOf, OutputOf, ThreadData } from './protocol'
import { isReading, Readers } from './readers'
import { openedBy } from './strangers'

/*
 * The caller's side of the engine: which thread works on what.
 *
 * A thread that computes is never terminated: that aborts the whole process while a session runs. Its work is cancelled,
 * awaited, and the thread told to close. Those where no session ever runs are: the one that tokenizes, for tokenizing a long
 * text is one call that cannot be interrupted, and those that read what a stranger may have written, also before a thread
 * that computes opens it.
 */

export interface Engine {
  /**
   * Asks the engine for one thing. A cancelled run still resolves, with a `finished` that says so.
   *
   * @throws {AppError} what the engine reports; CANCELLED when the signal aborts; INTERNAL when its thread dies
   */
  call<M extends EngineMethod>(method: M, input: InputOf<M>, options?: CallOptions): Promise<OutputOf<M>>
  /** Cancels what is under way, waits until it has stopped, and lets the threads end. */
  close(): Promise<void>
}

/** Requests that compute wait for each other: one compute session at a time. The others answer beside them. */
const COMPUTING: ReadonlySet<EngineMethod> = new Set<EngineMethod>(['run', 'plan', 'measureDevice', 'verify'])

/**
 * Prepares the engine; its threads start with the first request that needs them.
 *
 * @param workerUrl - the built thread main, `engineWorker.js`
 * @param cudaFolder - where CUDA's files are looked for; default: nowhere
 * @param startTokenizer - where the runtime does not run as Node
 */
export function startEngine(workerUrl: URL, cudaFolder?: string, startTokenizer?: StartTokenizer): Engine {
  const shared: ThreadData = { deviceLocks: deviceLockMemory(), cudaFolder }
  const thread = (computes: boolean) => new EngineThread(workerUrl, shared, startTokenizer, computes)
  const [computing, answering, tokenizing] = [thread(true), thread(false), thread(false)]
  const readers = new Readers(() => thread(false))
  let present: string | undefined
  // Whoever gave tokens up may want the same again in a moment: another context, the page once more.
  const abandonSoon = (error: unknown): never => {
    if (tokenizing.busy && !tokenizing.wanted)
      setTimeout(() => tokenizing.wanted || tokenizing.abandon(), ABANDON_MS).unref()
    throw error
  }
  let turn: Promise<unknown> = Promise.resolve()
  let closed = false
  /** Lets others open first what a request will open. @throws {AppError} as `Readers.request` */
  const look = async <M extends EngineMethod>(method: M, input: InputOf<M>, signal?: AbortSignal): Promise<void> => {
    for (const path of await openedBy(method, input)) await readers.request('open', { path }, { signal })
    if (closed) throw new AppError('CANCELLED', 'cancelled')
  }
  const compute = async <M extends EngineMethod>(
    method: M,
    input: InputOf<M>,
    options: CallOptions
  ): Promise<OutputOf<M>> => {
    try {
      await look(method, input, options.signal)
    } catch (error) {
      if (method !== 'run') throw error
      const finished = lastEvent((input as InputOf<'run'>).folder, 0, serializeError(error))
      options.onEvent?.(finished)
      return { finished } as OutputOf<M>
    }
    readers.rest()
    return computing.request(method, input, options)
  }
  return {
    async call(method, input, options = {}) {
      if (closed) throw new AppError('INTERNAL', 'the engine is closed')
      if (isReading(method))
        return readers.request(method, input as InputOf<typeof method>, options) as Promise<OutputOf<typeof method>>
      if (COMPUTING.has(method)) {
        const answer = turn.then(() => compute(method, input, options))
        turn = answer.catch(() => undefined)
        return answer
      }
      await look(method, input, options.signal)
      // Tokenizing a long text blocks its thread for a minute: no other answer waits for it, and tokens that nobody wants
      // any more are given up as soon as those of other texts are wanted. Tokens of the same texts are waited for.
      const texts = textsOf(method, input)
      if (texts !== undefined) {
        if (texts !== present && !tokenizing.wanted) tokenizing.abandon()
        if (texts === present || !tokenizing.busy) {
          present = texts
          return tokenizing.request(method, input, options).catch(abandonSoon)
        }
      }
      return answering.request(method, input, options)
    },
    async close() {
      closed = true
      tokenizing.abandon() // whatever it tokenizes, nobody will read it
      await Promise.all([computing.close(), answering.close(), tokenizing.close(), readers.close()])
    }
  }
}

/** What a request has to tokenize, as one word; undefined when it does not. */
function textsOf(method: EngineMethod, input: InputOf<EngineMethod>): string | undefined {
  if (method === 'previewTokens') {
    const { model, policy, text } = input as InputOf<'previewTokens'>
    return [model, policy, text.sha256].join()
  }
  if (method !== 'preflight') return undefined
  const { recipe, calibration, evaluation, guess } = input as InputOf<'preflight'>
  if (guess) return undefined
  return [recipe.model, recipe.policy, ...[...calibration, ...evaluation].map(({ sha256 }) => sha256)].join()
}
