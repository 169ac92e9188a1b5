import { spawn } from 'node:child_process'
import { basename } from 'node:path'

/** What a program prints on its standard output; its messages go where ours go. */
export function childOutput(program: string, args: readonly string[], env = process.env): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(pieces).toString())
      else reject(new Error(`${basename(program)} ${args[0]} ended with ${signal ?? `code ${code}`}`))
    })
  })
}
