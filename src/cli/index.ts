import { SHARE_ENV, Worker } from 'node:worker_threads'
import { providedTokenizers } from '../shared/tokenizerProcess'
import { EXIT } from './grammar/command'
import { endureOutput } from './output/outputStreams'
import { createTerminal } from './output/terminal'
import type { CommandData, FromCommand, ToCommand } from './threadMessages'

/*
 * Entry of the command line. Built to out/main/cli.js, beside the main of its thread.
 *
 * No signal is heard by a thread that is in one long step, be it a library's that reads a stranger's file. So the command is
 * worked on in a thread of its own (commandThread.ts), and this one does nothing but write what it is told and listen.
 */

const terminal = createTerminal(process.stdout, process.stderr, process.env)

// What the last of all is told by: a command that did its work may have answered into nothing.
endureOutput(process.stdout, process.stderr, (sentence) => {
  terminal.note(`quail: ${sentence}`)
  process.once('exit', (code) => {
    if (code === EXIT.done) process.exitCode = EXIT.failed
  })
})

assertPresentDirectory()

const workerData: CommandData = { args: process.argv.slice(2), live: terminal.live, width: terminal.width }
const command = new Worker(new URL('command.js', new URL('.', import.meta.url)), { env: SHARE_ENV, workerData })
const tell = (message: ToCommand): void => command.postMessage(message)

process.stderr.on('resize', () => tell({ kind: 'width', width: terminal.width }))

/** No thread starts in a directory that was removed, as a shell may be left in one. */
function assertPresentDirectory(): void {
  try {
    process.cwd()
  } catch {
    terminal.note('quail: the present directory does not exist any more; change to one that does')
    process.exit(EXIT.badInput)
  }
}

let stopping = false

/**
 * The second signal ends the process as if nobody listened: leaving it in order would wait for threads, and for libraries
 * that work for them, which may be stuck.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (stopping) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    return
  }
  stopping = true
  tell({ kind: 'stop' })
  terminal.note('stopping after the present step; once more stops at once')
}

/** Nothing listens before a command has something to end in order: until then the system ends the process. */
function listen(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    if (process.listenerCount(signal) === 0) process.on(signal, onSignal)
}

let hasEnded = false

function receive(message: FromCommand): void {
  if (message.kind === 'print') terminal.print(message.line, message.style)
  else if (message.kind === 'note') terminal.note(message.line)
  else if (message.kind === 'draw') terminal.draw(message.line)
  else if (message.kind === 'listen') listen()
  else if (message.kind === 'tokenizer') providedTokenizers()?.(message.port)
  else {
    hasEnded = true
    process.exitCode = message.code
  }
}

await new Promise<void>((resolve, reject) => {
  command.on('message', receive)
  command.on('error', reject)
  command.on('exit', () => resolve())
})
if (!hasEnded) throw new Error('the thread that works on the command ended without a word')
