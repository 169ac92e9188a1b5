import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { resourcesFolder } from '../shared/resourcesFolder'
import { providedTokenizers } from '../shared/tokenizerProcess'
import { quailHome } from '../store/home'
import { main } from './main'
import { createTerminal } from './output/terminal'

/*
 * Entry of the command line. Built to out/main/cli.js, beside the engine's thread main and two directories below the
 * package's root.
 */

const root = new URL('../../', import.meta.url)

const installation = {
  home: quailHome(),
  version: (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version,
  workerUrl: new URL('engineWorker.js', new URL('.', import.meta.url)),
  resources: resourcesFolder(fileURLToPath(root)),
  startTokenizer: providedTokenizers()
}

const terminal = createTerminal(process.stdout, process.stderr, process.env)

// `quail runs list | head` closes the pipe early: that is the reader's wish, not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const stop = new AbortController()

/**
 * The second signal ends the process as if nobody listened: leaving it in order would wait for threads, and for libraries
 * that work for them, which may be stuck.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (stop.signal.aborted) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    return
  }
  stop.abort()
  terminal.note('stopping after the present step; once more stops at once')
}

/**
 * Nothing hears a signal while JavaScript is in one long step, so nothing listens before a command has something to end in
 * order: until then the system ends the process, whatever it is at.
 */
function listen(): AbortSignal {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (process.listenerCount(signal) === 0) process.on(signal, onSignal)
  return stop.signal
}

process.exitCode = await main(process.argv.slice(2), installation, terminal, listen, process.env)
