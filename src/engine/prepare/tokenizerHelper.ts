import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, badInput, deserializeError } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import { type WorkClock, WorkWatch } from '../formats/workWatch'
import type { Channel, OpenChannel } from './tokenizerChannel'
import type { FromTokenizer, TokenizerApi, TokenizerMethod, ToTokenizer } from './tokenizerProtocol'

/*
 * A tokenizer.json may be of anybody, and the library that executes it believes it: a regular expression can take for ever, a
 * normalizer all memory, and a fault of the library ends its process. Tokenizers therefore work in a process of their own,
 * which is ended when it takes more time or memory than its files are worth, or when nobody waits for it any more.
 */

export interface HelperOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
}

/** What a request works on, for its limits and for messages. */
interface Work {
  readonly model: string
  /** Bytes of its largest text. */
  readonly bytes: number
}

/** Processor time of a helper without any news: for anything, and for each byte that it has to go through first. */
const SILENT_MS = 8000
const TOKENIZER_BYTES_PER_MS = 1000
const READ_BYTES_PER_MS = 20_000
const ENCODED_BYTES_PER_MS = 400

/** An idle helper is ended after this time; what it remembers is found again. */
const IDLE_MS = 60_000

interface Pending {
  readonly work: Work
  readonly onProgress: OnProgress | undefined
  readonly resolve: (output: TokenizerApi[TokenizerMethod]['output']) => void
  readonly reject: (error: AppError) => void
  /** The text that was told of last. */
  text: string | undefined
  readonly watch: WorkWatch
}

/** The process with the requests that are under way; one that ended is replaced by the next request. */
export class TokenizerHelper {
  #channel: Channel | undefined
  #clock: WorkClock | undefined
  readonly #pending = new Map<number, Pending>()
  #nextId = 0
  #idle: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly open: OpenChannel) {}

  /**
   * @throws {AppError} what the work throws; BAD_INPUT when it takes too long or too much memory, or the library ends over it;
   *   CANCELLED when the signal aborts
   */
  async call<M extends TokenizerMethod>(
    method: M,
    input: TokenizerApi[M]['input'],
    { signal, onProgress }: HelperOptions = {}
  ): Promise<TokenizerApi[M]['output']> {
    const work = workOf(method, input)
    const tokenizerBytes = await stat(join(work.model, 'tokenizer.json')).then(
      ({ size }) => size,
      () => 0
    )
    if (signal?.aborted) throw cancelled()
    const id = this.#nextId++
    let abort = (): void => {}
    try {
      return (await new Promise<TokenizerApi[TokenizerMethod]['output']>((resolve, reject) => {
        const limitMs = SILENT_MS + tokenizerBytes / TOKENIZER_BYTES_PER_MS + work.bytes / READ_BYTES_PER_MS
        const watch = new WorkWatch(
          limitMs,
          () => this.#clock,
          (time) => this.#giveUp((one) => tooSlow(one, time))
        )
        this.#pending.set(id, { work, onProgress, resolve, reject, text: undefined, watch })
        abort = () => {
          reject(cancelled())
          if (this.#pending.size === 1) this.#end() // it would work for nobody
        }
        signal?.addEventListener('abort', abort, { once: true })
        this.#running().post({ id, method, input } as ToTokenizer)
      })) as TokenizerApi[M]['output']
    } finally {
      signal?.removeEventListener('abort', abort)
      this.#release(id)
    }
  }

  #running(): Channel {
    clearTimeout(this.#idle)
    this.#channel ??= this.#opened()
    this.#channel.ref()
    return this.#channel
  }

  #opened(): Channel {
    this.#clock = undefined
    const channel = this.open({
      receive: (message) => {
        if (this.#channel === channel) this.#receive(message)
      },
      ended: (how) => {
        if (this.#channel === channel) this.#giveUp((pending) => ended(pending, how))
      }
    })
    return channel
  }

  #receive(message: FromTokenizer): void {
    if (message.kind === 'started') {
      this.#clock = message.clock
      return
    }
    if (message.kind === 'tooLarge') {
      this.#giveUp((pending) => tooLarge(pending, message.bytes))
      return
    }
    const pending = this.#pending.get(message.id)
    if (pending === undefined) return
    if (message.kind === 'done') pending.resolve(message.output)
    else if (message.kind === 'failed') pending.reject(deserializeError(message.error))
    else this.#tell(pending, message)
  }

  #tell(pending: Pending, { done, total, text }: Extract<FromTokenizer, { kind: 'progress' }>): void {
    pending.text = text?.name
    const inOnePiece = total === null ? (text?.bytes ?? 0) : 0
    pending.watch.news(SILENT_MS + pending.work.bytes / READ_BYTES_PER_MS + inOnePiece / ENCODED_BYTES_PER_MS)
    pending.onProgress?.(done, total, text)
  }

  #release(id: number): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    pending.watch.stop()
    this.#pending.delete(id)
    if (this.#pending.size > 0) return
    this.#channel?.unref()
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref()
  }

  /** Ends it if it has nothing to do. */
  rest(): void {
    if (this.#pending.size === 0) this.#end()
  }

  #giveUp(reason: (pending: Pending) => AppError): void {
    this.#end()
    for (const pending of this.#pending.values()) pending.reject(reason(pending))
  }

  #end(): void {
    const channel = this.#channel
    this.#channel = undefined
    channel?.kill()
  }
}

const cancelled = (): AppError => new AppError('CANCELLED', 'cancelled')

/** What was worked on: the text that was told of last, with the tokenizer that cuts it. */
const subject = ({ work, text }: Pending): string =>
  text === undefined ? `the tokenizer of ${work.model}` : `${text}, tokenized as ${work.model} says,`

const tooSlow = (pending: Pending, time: string): AppError =>
  badInput(`${subject(pending)} was given up: nothing more was done in ${time}`)

const tooLarge = (pending: Pending, bytes: number): AppError =>
  badInput(`${subject(pending)} was given up: it takes more than ${Math.round(bytes / 2 ** 20)} MiB of memory`)

const ended = (pending: Pending, how: string): AppError =>
  badInput(`${subject(pending)} cannot be used: the tokenizers library ends over it (${how})`)

function workOf<M extends TokenizerMethod>(method: M, input: TokenizerApi[M]['input']): Work {
  if (method === 'facts') return { model: (input as TokenizerApi['facts']['input']).model, bytes: 0 }
  if (method === 'preview') {
    const { model, text } = input as TokenizerApi['preview']['input']
    return { model, bytes: text.bytes }
  }
  const { recipe, texts } = input as TokenizerApi['tokenize']['input']
  return { model: recipe.model, bytes: Math.max(0, ...[...texts.calibration, ...texts.evaluation].map((t) => t.bytes)) }
}
