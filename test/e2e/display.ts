import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll } from 'vitest'

/** Screen of a file's display: wider than any window that a test opens. */
const SCREEN = '1280x1024x24'

// A display for each file: focus, clipboard and the pointer are of one display, so that files that share one could not be
// driven at the same time. Where the caller has a display, all windows are seen there.
if (!process.env.DISPLAY) {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe']
  })
  const failed = new Promise<never>((_, reject) => {
    server.on('error', reject)
    server.on('exit', (code) => reject(new Error(`Xvfb ended with ${code} before it had a display`)))
  })
  const number = new Promise<string>((resolve) => createInterface(server.stdio[3] as Readable).once('line', resolve))
  process.env.DISPLAY = `:${await Promise.race([number, failed])}`
  failed.catch(() => {})
  afterAll(() => {
    server.kill()
  })
}
