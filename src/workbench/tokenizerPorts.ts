import type { StartTokenizer, TokenizerPort } from '../shared/tokenizerProcess'
import type { FromWorkbench, OfTokenizers } from './protocol'

/** The other end of a port that main made; of Electron's, written down here so that it is not imported. */
export interface RemotePort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: { readonly data: unknown }) => void): unknown
  start(): void
}

/**
 * Processes for tokenizers, which main starts for the engine's threads: each is connected with the port of a thread, and ended
 * when that is closed, by the thread or with it.
 */
export class TokenizerPorts {
  readonly #ports = new Map<number, TokenizerPort>()
  #nextId = 0

  constructor(private readonly send: (message: FromWorkbench) => void) {}

  readonly start: StartTokenizer = (port) => {
    const id = this.#nextId++
    this.#ports.set(id, port)
    port.on('close', () => {
      this.#ports.delete(id)
      this.send({ kind: 'endTokenizer', id })
    })
    this.send({ kind: 'startTokenizer', id })
  }

  /** Main started a process, or tells that one has ended. */
  receive(message: OfTokenizers, remote: RemotePort | undefined): void {
    const port = this.#ports.get(message.id)
    if (port === undefined) return
    if (message.kind === 'tokenizerEnded') port.postMessage(message.end)
    else if (remote !== undefined) connect(port, remote)
  }
}

function connect(port: TokenizerPort, remote: RemotePort): void {
  remote.on('message', ({ data }) => port.postMessage(data))
  remote.start()
  port.on('message', (message) => remote.postMessage(message))
}
