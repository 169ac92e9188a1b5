type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39]
}

/** Where a command writes: answers to stdout; progress, warnings and errors to stderr. */
export interface Terminal {
  /** One line of the answer. */
  print(line?: string): void
  /** One line about the work: progress, warnings, what to do next. */
  note(line: string): void
  /** Replaces the line that is being drawn; only where `live`. */
  draw(line: string): void
  /** stderr is a terminal: lines may be redrawn. */
  readonly live: boolean
  readonly width: number
  /** Colours on stdout's text; plain where stdout is no terminal, with NO_COLOR, or on a dumb terminal. */
  paint(style: Style, text: string): string
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

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
    print(line = '') {
      clear()
      stdout.write(`${line}\n`)
    },
    note(line) {
      clear()
      stderr.write(`${line}\n`)
    },
    draw(line) {
      if (!live) return
      stderr.write(`\r\x1b[K${line}`)
      drawn = line !== ''
    },
    paint: (style, text) => (coloured ? `\x1b[${CODES[style][0]}m${text}\x1b[${CODES[style][1]}m` : text)
  }
}
