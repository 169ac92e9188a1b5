import { visible } from '../../shared/quoting'

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39]
}

/** Where a command writes: answers to stdout; progress, warnings and errors to stderr. */
export interface Terminal {
  /** One line of the answer. The style is seen on a terminal only, without NO_COLOR, and not on a dumb one. */
  print(line?: string, style?: Style): void
  /** One line about the work: progress, warnings, what to do next. */
  note(line: string): void
  /** Replaces the line that is being drawn; only where `live`. */
  draw(line: string): void
  /** stderr is a terminal: lines may be redrawn. */
  readonly live: boolean
  readonly width: number
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

/** What is written is what the caller says, in one line: a name with control characters in it moves no cursor. */
export function createTerminal(stdout: Stream, stderr: Stream, env: NodeJS.ProcessEnv): Terminal {
  const coloured = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const live = stderr.isTTY === true && env.TERM !== 'dumb'
  let drawn = false
  const clear = (): void => {
    if (drawn) stderr.write('\r\x1b[K')
    drawn = false
  }
  return {
    live,
    get width() {
      return stderr.columns ?? 80
    },
    print(line = '', style) {
      clear()
      const [on, off] = style !== undefined && coloured ? CODES[style] : []
      const text = visible(line)
      stdout.write(on === undefined ? `${text}\n` : `\x1b[${on}m${text}\x1b[${off}m\n`)
    },
    note(line) {
      clear()
      stderr.write(`${visible(line)}\n`)
    },
    draw(line) {
      if (!live) return
      stderr.write(`\r\x1b[K${visible(line)}`)
      drawn = line !== ''
    }
  }
}
