import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built command line; QUAIL_CLI names another build. */
export const builtCli = process.env.QUAIL_CLI ?? fileURLToPath(new URL('../../out/main/cli.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when stdout or stderr holds the text; rejects when the program ends before. */
  waitFor(text: string | RegExp): Promise<void>
}

/** A directory to work in, with a QUAIL_HOME of its own. */
export class Workplace {
  readonly directory = mkdtempSync(join(tmpdir(), 'quail-cli-'))
  readonly home = join(this.directory, 'home')

  path(...parts: string[]): string {
    return join(this.directory, ...parts)
  }

  /** Runs the built program to its end. */
  quail(...args: string[]): Promise<Ended> {
    return this.start(...args).ended
  }

  start(...args: string[]): Started {
    return this.startWith({}, ...args)
  }

  /** With these variables of the environment beside the usual ones. */
  startWith(more: Record<string, string>, ...args: string[]): Started {
    const env = { ...process.env, QUAIL_HOME: this.home, QUAIL_DEBUG: '', NO_COLOR: '', ...more }
    const child = spawn(process.execPath, [builtCli, ...args], { cwd: this.directory, env, stdio: 'pipe' })
    let stdout = ''
    let stderr = ''
    const watchers = new Set<() => void>()
    const collect = (add: (chunk: string) => void) => (chunk: Buffer) => {
      add(chunk.toString())
      for (const watcher of [...watchers]) watcher()
    }
    child.stdout.on(
      'data',
      collect((chunk) => (stdout += chunk))
    )
    child.stderr.on(
      'data',
      collect((chunk) => (stderr += chunk))
    )
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => {
        for (const watcher of [...watchers]) watcher()
        resolve({ code, stdout, stderr })
      })
    })
    const waitFor = (text: string | RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          const found = [stdout, stderr].some((s) => (typeof text === 'string' ? s.includes(text) : text.test(s)))
          const over = child.exitCode !== null || child.signalCode !== null
          if (!found && !over) return
          watchers.delete(watcher)
          if (found) resolve()
          else reject(new Error(`ended before it printed ${text}: ${stdout}${stderr}`))
        }
        watchers.add(watcher)
        watcher()
      })
    return { child, ended, waitFor }
  }

  /** The one JSON value that a command prints. */
  async json<T = unknown>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.quail(...args)
    if (code !== 0) throw new Error(`quail ${args.join(' ')} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }
}

/** The objects of NDJSON output. */
export const jsonLines = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
