import { serializeError } from '../../shared/errors'

type Stream = Pick<NodeJS.WriteStream, 'on'> & { readonly isTTY?: boolean }

/**
 * Goes on whatever becomes of what a command writes to: hours of work do not end because their progress is seen no more.
 *
 * A reader that closes the pipe (`quail runs list | head`) and a terminal that was closed want no more; a disk that is full
 * under `> FILE` leaves an answer that is not whole.
 *
 * @param onLost - is told once, in a sentence, that the answer on stdout is not whole
 */
export function endureOutput(stdout: Stream, stderr: Stream, onLost: (sentence: string) => void): void {
  stderr.on('error', () => {}) // there is no other place to say so
  let isTold = false
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isTold || isLeft(stdout, error)) return
    isTold = true
    onLost(`the answer could not be written whole to standard output: ${reason(error)}`)
  })
}

/** Whether nobody reads any more, by their own wish. */
const isLeft = ({ isTTY }: Stream, { code }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' || (isTTY === true && code === 'EIO')

function reason(error: Error): string {
  const { message } = serializeError(error)
  return message.slice(message.indexOf(': ') + 2) // before it stands the name of the system call
}
