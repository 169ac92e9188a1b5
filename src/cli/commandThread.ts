import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { serializeError } from '../shared/errors'
import { resourcesFolder } from '../shared/resourcesFolder'
import { quailHome } from '../store/home'
import type { ExitCode } from './grammar/command'
import type { Installation } from './grammar/commandContext'
import { exitCodeOf } from './grammar/failures'
import { main } from './main'
import type { Terminal } from './output/terminal'
import type { CommandData, FromCommand, ToCommand } from './threadMessages'

/*
 * Main of the thread that works on a command, while the process listens to signals: see index.ts. Built to
 * out/main/command.js, beside the engine's thread main and two directories below the package's root.
 */

const root = new URL('../../', import.meta.url)

async function serve(port: MessagePort, data: CommandData): Promise<void> {
  const send = (message: FromCommand): void => port.postMessage(message)
  const stop = new AbortController()
  let { width } = data
  port.on('message', (message: ToCommand) => {
    if (message.kind === 'stop') stop.abort()
    else width = message.width
  })
  port.unref() // the thread ends with its work
  const terminal: Terminal = {
    live: data.live,
    get width() {
      return width
    },
    print: (line = '', style) => send({ kind: 'print', line, style }),
    note: (line) => send({ kind: 'note', line }),
    draw: (line) => send({ kind: 'draw', line })
  }
  const listen = (): AbortSignal => {
    send({ kind: 'listen' })
    return stop.signal
  }
  send({ kind: 'ended', code: await codeOf(data.args, port, terminal, listen) })
}

/** Works on the command; where not even the place of Quail's own files is known, it says so. */
async function codeOf(
  args: readonly string[],
  port: MessagePort,
  terminal: Terminal,
  listen: () => AbortSignal
): Promise<ExitCode> {
  let installed: Installation
  try {
    installed = installation(port)
  } catch (error) {
    const { code, message } = serializeError(error)
    terminal.note(`quail: ${message}`)
    return exitCodeOf(code)
  }
  return await main(args, installed, terminal, listen, process.env)
}

const installation = (port: MessagePort): Installation => ({
  home: quailHome(),
  version: (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version,
  workerUrl: new URL('engineWorker.js', new URL('.', import.meta.url)),
  resources: resourcesFolder(fileURLToPath(root)),
  startTokenizer(asked) {
    const handed = asked as MessagePort
    port.postMessage({ kind: 'tokenizer', port: handed } satisfies FromCommand, [handed])
  }
})

if (parentPort !== null) void serve(parentPort, workerData as CommandData)
