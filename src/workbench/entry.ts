import { quailHome } from '../store/home'
import type { FromWorkbench, OfTokenizers, ToWorkbench, WorkbenchInstallation } from './protocol'
import { type RemotePort, TokenizerPorts } from './tokenizerPorts'
import { serveWorkbench } from './workbench'

/*
 * Main of the engine process: an Electron utility process that hosts the database, the queue and the engine's threads, so
 * that neither their work nor their crash is felt in the window.
 */

/** What a utility process finds in place of a standard channel; written down here, so that Electron is not imported. */
interface ParentPort {
  postMessage(message: FromWorkbench): void
  on(event: 'message', listener: (message: Received) => void): void
}

interface Received {
  readonly data: ToWorkbench | OfTokenizers
  readonly ports: readonly RemotePort[]
}

const parentPort = (process as NodeJS.Process & { readonly parentPort?: ParentPort }).parentPort
const [argument] = process.argv.slice(2)

if (parentPort !== undefined && argument !== undefined) {
  const installation = { home: quailHome(), ...JSON.parse(argument) } as WorkbenchInstallation
  const send = (message: FromWorkbench): void => parentPort.postMessage(message)
  const tokenizers = new TokenizerPorts(send)
  const receive = (listener: (message: ToWorkbench) => void): void =>
    parentPort.on('message', ({ data, ports: [port] }) => {
      if (data.kind === 'tokenizer' || data.kind === 'tokenizerEnded') tokenizers.receive(data, port)
      else listener(data)
    })
  const { closed } = serveWorkbench({ send, receive }, installation, tokenizers.start)
  void closed.then(() => {
    send({ kind: 'closed' })
    process.exit(0)
  })
}
