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
const endless = doing('for (;;);')
const limits = { silentMs: 300, memory: 200 * 2 ** 20 }

describe('a file whose reader', () => {
  it('never ends is given up, with its name', async () => {
    await expect(readSamplesApart(endless, file, {}, limits)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${file} was given up: nothing more of it could be read for 0 seconds; it is damaged`
    })
  })

  it('never ends is left at once when nobody waits for it', async () => {
    const controller = new AbortController()
    const read = readSamplesApart(endless, file, { signal: controller.signal })
    const inspected = inspectSamplesApart(endless, file, { signal: controller.signal })
    setTimeout(() => controller.abort(), 100)
    // Together: whichever ends first, somebody waits for the other.
    await Promise.all([read, inspected].map((one) => expect(one).rejects.toMatchObject({ code: 'CANCELLED' })))
  })

  it.each([
    ['objects', 'for (const all = []; ; ) all.push({ a: all.length })'],
    ['bytes', 'for (const all = []; ; ) all.push(new Uint8Array(1e6).fill(1))']
  ])('takes ever more %s is given up, and the process lives', async (_, code) => {
    await expect(readSamplesApart(doing(code), file, {}, { ...limits, silentMs: 60_000 })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${file} was given up: to read it takes more than 200 MiB of memory; import a part of it`
    })
  })
})
