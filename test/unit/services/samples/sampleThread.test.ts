import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { inspectSamplesApart, readSamplesApart } from '../../../../src/services/samples/sampleThread'

const directory = mkdtempSync(join(tmpdir(), 'quail-samples-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'a.csv')
writeFileSync(file, 'text\na\n')

/** A thread whose reader does this: what the libraries do with a hostile file. */
const doing = (code: string): URL => new URL(`data:text/javascript,${encodeURIComponent(code)}`)
const endless = doing(`
  import { readlinkSync } from 'node:fs'
  import { parentPort } from 'node:worker_threads'
  parentPort.postMessage({ kind: 'started', clock: '/proc/' + readlinkSync('/proc/thread-self') + '/stat' })
  for (;;);`)
async function all(samples: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const sample of samples) found.push(sample)
  return found
}

const limits = { silentMs: 300, memory: 200 * 2 ** 20 }

describe('a file whose reader', () => {
  it('never ends is given up, with its name', async () => {
    await expect(all(readSamplesApart(endless, file, {}, limits))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${file} was given up: nothing more of it could be read in 0 seconds of processor time; it is damaged, or its disk does not answer`
    })
  })

  it('never ends is left at once when nobody waits for it', async () => {
    const controller = new AbortController()
    const read = all(readSamplesApart(endless, file, { signal: controller.signal }))
    const inspected = inspectSamplesApart(endless, file, { signal: controller.signal })
    setTimeout(() => controller.abort(), 100)
    // Together: whichever ends first, somebody waits for the other.
    await Promise.all([read, inspected].map((one) => expect(one).rejects.toMatchObject({ code: 'CANCELLED' })))
  })

  it.each([
    ['objects', 'for (const all = []; ; ) all.push({ a: all.length })'],
    ['bytes', 'for (const all = []; ; ) all.push(new Uint8Array(1e6).fill(1))']
  ])('takes ever more %s is given up, and the process lives', async (_, code) => {
    await expect(all(readSamplesApart(doing(code), file, {}, { ...limits, silentMs: 60_000 }))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${file} was given up: to read it takes more than 200 MiB of memory; import a part of it`
    })
  })
})

describe('a file that is larger than what is taken of it', () => {
  const sender = doing(`
    import { parentPort, workerData } from 'node:worker_threads'
    let free = 2
    let sent = 0
    const send = () => {
      for (; free > 0 && sent < 40; free--) parentPort.postMessage({ kind: 'samples', samples: [String(sent++)] })
      if (sent === 40) parentPort.postMessage({ kind: 'read', summary: {}, available: 40 })
    }
    parentPort.on('message', () => { free++; send() })
    send()`)

  it('is waited for: the thread hears of every message that was taken', async () => {
    expect(await all(readSamplesApart(sender, file))).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`))
  })

  it('is left when nobody takes more of it', async () => {
    for await (const sample of readSamplesApart(sender, file)) if (sample === '10') break
  })
})
