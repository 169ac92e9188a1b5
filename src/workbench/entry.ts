import { quailHome } from '../store/home'
import type { FromWorkbench, ToWorkbench, WorkbenchInstallation } from './protocol'
import { serveWorkbench } from './workbench'

/*
 * Main of the engine process: an Electron utility process that hosts the database, the queue and the engine's threads, so
 * that neither their work nor their crash is felt in the window.
 */

/** What a utility process finds in place of a standard channel; written down here, so that Electron is not imported. */
interface ParentPort {
  postMessage(message: FromWorkbench): void
  on(event: 'message', listener: (message: { readonly data: ToWorkbench }) => void): void
}

const parentPort = (process as NodeJS.Process & { readonly parentPort?: ParentPort }).parentPort
const [argument] = process.argv.slice(2)

if (parentPort !== undefined && argument !== undefined) {
  const installation = { home: quailHome(), ...JSON.parse(argument) } as WorkbenchInstallation
  const { closed } = serveWorkbench(
    {
      send: (message) => parentPort.postMessage(message),
      receive: (listener) => parentPort.on('message', ({ data }) => listener(data))
    },
    installation
  )
  void closed.then(() => process.exit(0))
}
