// X servers that no screen shows, for windows under test.
import { spawn } from 'node:child_process'

const SIZE = '1280x1024x24'

/**
 * Starts X servers, each on a display number that is free, and returns their displays (`:99`) and how to end them. Windows
 * on displays of their own take neither focus nor clipboard from each other.
 *
 * @throws {Error} when one cannot be started
 */
export async function startDisplays(count) {
  const servers = [] // one after the other: two that look for a number at once get in each other's way, and say so
  while (servers.length < count) servers.push(await startServer())
  return {
    displays: servers.map(({ display }) => display),
    stop: () => {
      for (const { process } of servers) process.kill()
    }
  }
}

/** The server chooses the number and writes it, when it listens, to the descriptor that it is told. */
function startServer() {
  const args = ['-displayfd', '3', '-screen', '0', SIZE, '-nolisten', 'tcp']
  const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  let said = '' // also of each number that is taken: told only where none was free
  server.stderr.on('data', (chunk) => {
    said += chunk
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.on('exit', (code) => reject(new Error(`Xvfb ended with ${code} before it listened: ${said}`)))
    let number = ''
    server.stdio[3].on('data', (chunk) => {
      number += chunk
      if (number.endsWith('\n')) resolve({ display: `:${number.trim()}`, process: server })
    })
  })
}
