import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { COMMANDS } from '../../src/cli/commands'
import type { CommandContext, Installation } from '../../src/cli/grammar/commandContext'
import { reportFailure } from '../../src/cli/grammar/failures'
import { parseArguments } from '../../src/cli/grammar/parseArguments'
import type { Terminal } from '../../src/cli/output/terminal'
import { exportBase } from '../../src/engine/ask/exportBase'
import { inspectPath } from '../../src/engine/ask/inspect'
import { verifyAdapter } from '../../src/engine/ask/verify'
import { collectSeldom } from '../../src/engine/graph/collectGarbage'
import { planRun, preflight } from '../../src/engine/plan/planRun'
import type { CallOptions } from '../../src/engine/worker/engineThread'
import type { Engine } from '../../src/engine/worker/pool'
import type { InputOf } from '../../src/engine/worker/protocol'
import { runTask } from '../../src/engine/worker/runTask'
import { closeServices, openServices, type Services } from '../../src/services/services'
import type { EngineMethod } from '../../src/shared/engineApi'
import { badInput } from '../../src/shared/errors'

/*
 * Quail's commands one after another in one process, with the engine on the same thread: a line in is a request, a line out
 * its answer, both in JSON. A command line of its own loads the program in four threads and a process for tokenizers, which
 * takes several times as long as a run of a tiny checkpoint. Built to out/commands-<pid>, two folders below the root.
 */

collectSeldom()

const root = resolve(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { version: string }

interface Request {
  readonly args: readonly string[]
  readonly home: string
}

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The engine's own functions, as engine/worker/entry.ts calls them. */
const engine: Engine = {
  async call<M extends EngineMethod>(method: M, input: InputOf<M>, { signal, onEvent }: CallOptions = {}) {
    const stop = signal ?? new AbortController().signal
    const answers: Partial<Record<EngineMethod, () => Promise<unknown>>> = {
      run: async () => {
        const { folder, moments } = input as InputOf<'run'>
        return { finished: await runTask(folder, stop, (event) => onEvent?.(event), undefined, moments) }
      },
      plan: () => planRun(input as InputOf<'plan'>, stop),
      preflight: () => preflight(input as InputOf<'preflight'>),
      inspect: () => inspectPath((input as InputOf<'inspect'>).path, stop),
      verify: () => {
        const { adapter, model, from } = input as InputOf<'verify'>
        return verifyAdapter(adapter, model, { from, signal: stop })
      },
      exportBase: () => exportBase(input as InputOf<'exportBase'>, stop)
    }
    const answer = answers[method]
    if (answer === undefined) throw new Error(`${method} is nothing that a judge has asked for`)
    return (await answer()) as never
  },
  close: async () => {}
}

/** What `quail` prints, and how it ends, with its data in `home`. Nothing is thrown. */
async function answer({ args, home }: Request): Promise<Answer> {
  const [printed, noted]: [string[], string[]] = [[], []]
  const terminal: Terminal = {
    live: false,
    width: 80,
    print: (line = '') => void printed.push(`${line}\n`),
    note: (line) => void noted.push(`${line}\n`),
    draw: () => {}
  }
  const installation: Installation = {
    home,
    version,
    workerUrl: new URL('engineWorker.js', import.meta.url), // no thread is started
    resources: resolve(root, 'resources')
  }
  const code = await execute(args, installation, terminal).catch((error) =>
    reportFailure(error, installation, terminal.note, process.env)
  )
  return { code, stdout: printed.join(''), stderr: noted.join('') }
}

async function execute([name, ...rest]: readonly string[], installation: Installation, terminal: Terminal) {
  const command = COMMANDS.find((one) => one.name === name)
  if (command === undefined) throw badInput(`unknown command "${name}"`)
  let opened: Promise<Services> | undefined
  const context: CommandContext = {
    ...installation,
    terminal,
    signal: new AbortController().signal,
    engine,
    services: () => {
      opened ??= openServices({ home: installation.home, version, engine })
      return opened
    },
    close: async () => {
      if (opened !== undefined) await closeServices(await opened)
    }
  }
  try {
    return await command.action(parseArguments(command, rest) as never, context)
  } finally {
    await context.close()
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
