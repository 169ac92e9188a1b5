import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importBundle } from '../../../../src/services/bundle/importBundle'
import { MANIFEST_NAME } from '../../../../src/services/bundle/manifest'
import { decodeHeader, encodeHeader, padding, TAR_BLOCK } from '../../../../src/services/bundle/tarHeader'
import { writeBundle } from '../../../../src/services/bundle/writeBundle'
import { labelRun } from '../../../../src/services/runLabels'
import { RUN_FILES } from '../../../../src/shared/runFolder'
import { listArtifacts } from '../../../../src/store/artifacts'
import { readSamples } from '../../../../src/store/calibrationSets'
import { getRun, listRuns, readVariantResults } from '../../../../src/store/runQueries'
import { completeRun, readText, temporaryServices, WEIGHTS } from '../../../helpers/bundles'
import { refinedSteps, sha256, temporaryHome } from '../../../helpers/stores'

const ID = '20261125-1200-law-abcd'

/** A bundle of a completed run, and the services of the machine that it was made on. */
async function bundled(options = {}) {
  const services = await temporaryServices()
  await completeRun(services, ID)
  const path = join(services.home, 'run.quail.tar')
  return { services, path, written: await writeBundle(services, ID, path, options) }
}

describe('a bundle', () => {
  test('brings a run with its results, samples and adapters to another machine', async () => {
    const { services, path, written } = await bundled({ factors: true })
    const other = await temporaryServices()
    const imported = await importBundle(other, path)

    const out = join(other.home, 'adapters', ID)
    expect(imported).toMatchObject({ run: ID, originalRun: ID, variants: ['svd-r8', 'quailora-r8'], out })
    expect(written.sha256).toBe(sha256(readFileSync(path)))
    const [there, here] = [await getRun(services.store, ID), await getRun(other.store, ID)]
    expect(here).toMatchObject({ status: 'completed', perplexity: there.perplexity, model: there.model, out })
    const layers = (results: Awaited<ReturnType<typeof readVariantResults>>) => results.map(({ layers }) => layers)
    expect(layers(await readVariantResults(other.store, ID))).toEqual(
      layers(await readVariantResults(services.store, ID))
    )
    expect(await readSamples(other.store, 'notes')).toEqual([
      { position: 0, text: 'one' },
      { position: 1, text: 'two' }
    ])
    expect(await listArtifacts(other.store, ID)).toEqual(
      ['svd-r8', 'quailora-r8'].map((variant) => ({
        variant,
        path: join(out, variant),
        bytes: WEIGHTS.length,
        sha256: sha256(WEIGHTS)
      }))
    )
    expect(readText(other.home, 'runs', ID, 'factors', '1.safetensors')).toBe('factors 1')
    expect(readdirSync(join(other.home, 'runs'))).toEqual([ID])
  })

  test('brings the losses of rows along, where the run has them', async () => {
    const services = await temporaryServices()
    await completeRun(services, ID)
    const path = join(services.home, 'rows.quail.tar')
    const rows = (text: string) => writeFileSync(join(services.home, 'runs', ID, 'rows.json'), text)
    const losses =
      '{"version":1,"texts":{"a.txt":{"tokens":[3],"fullPrecision":{"loss":[1.5]},"quantizers":{},"variants":{}}}}'
    rows(losses)
    await writeBundle(services, ID, path)
    const other = await temporaryServices()
    await importBundle(other, path)
    expect(readText(other.home, 'runs', ID, 'rows.json')).toBe(losses)
    rows('{"version":1,"texts":{"a.txt":{}}}')
    await writeBundle(services, ID, path, { replace: true })
    await expect(importBundle(await temporaryServices(), path)).rejects.toThrow(/rows\.json: texts\.a\.txt\.tokens: /)
  })

  test('brings along what a person called the run and wrote beside it', async () => {
    const services = await temporaryServices()
    await completeRun(services, ID)
    const path = join(services.home, 'labels.quail.tar')
    const labels = { name: 'The one for the paper', notes: 'asked for by Ada', tags: ['paper', 'law'] }
    await labelRun(services, ID, labels)
    await writeBundle(services, ID, path)
    const other = await temporaryServices()
    await importBundle(other, path)
    expect(await getRun(other.store, ID)).toMatchObject(labels)
    const file = join(services.home, 'runs', ID, RUN_FILES.labels)
    writeFileSync(file, JSON.stringify({ version: 1, name: null, notes: 'n'.repeat(20_001), tags: [] }))
    await writeBundle(services, ID, path, { replace: true })
    await expect(importBundle(await temporaryServices(), path)).rejects.toThrow(/labels\.json: notes: /)
  })

  test('brings refinements along, with their factors on request', async () => {
    const services = await temporaryServices()
    await completeRun(services, ID)
    const folder = join(services.home, 'runs', ID)
    const entry = refinedSteps('quailora-r8', 2)
    appendFileSync(join(folder, RUN_FILES.journal), `${JSON.stringify(entry)}\n`)
    writeFileSync(join(folder, entry.factors?.file ?? ''), 'refined factors')
    const outcome = JSON.parse(readFileSync(join(folder, RUN_FILES.outcome), 'utf8'))
    outcome.variants[1].refinement = entry.result
    writeFileSync(join(folder, RUN_FILES.outcome), JSON.stringify(outcome))
    const path = join(services.home, 'refined.quail.tar')
    await writeBundle(services, ID, path, { factors: true })
    const other = await temporaryServices()
    await importBundle(other, path)
    expect(readText(other.home, 'runs', ID, entry.factors?.file ?? '')).toBe('refined factors')
    expect(readText(other.home, 'runs', ID, RUN_FILES.journal)).toBe(readText(folder, RUN_FILES.journal))
    const results = await readVariantResults(other.store, ID)
    expect(results.map(({ refinement }) => refinement)).toEqual([undefined, entry.result])
  })

  test('is a plain tar archive that says nothing of owners and times', async () => {
    const { path } = await bundled()
    const listing = execFileSync('tar', ['-tvf', path, '--numeric-owner', '--utc'], { encoding: 'utf8' })
      .trim()
      .split('\n')
    expect(listing[0]).toContain(MANIFEST_NAME)
    expect(listing.every((line) => /^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 /.test(line))).toBe(true)
    expect(listing.some((line) => line.includes('factors'))).toBe(false)
  })

  test('is not made of a run that has not ended, and does not write over a file', async () => {
    const { services, path } = await bundled()
    await expect(writeBundle(services, ID, path)).rejects.toThrow('exists already')
    expect((await writeBundle(services, ID, path, { replace: true })).path).toBe(path)
    await services.store.updateTable('runs').set({ status: 'cancelled' }).execute()
    await expect(writeBundle(services, ID, join(services.home, 'b.tar'))).rejects.toThrow(
      'was stopped; only a completed run'
    )
    expect(readdirSync(services.home).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('is refused where its run is already, and gets a new id where another run has its own', async () => {
    const { services, path } = await bundled()
    await expect(importBundle(services, path)).rejects.toThrow(`run ${ID} is here already`)

    const other = await temporaryServices()
    await completeRun(other, ID, { createdAtMs: 1 })
    const { run, originalRun, out } = await importBundle(other, path)
    await expect(importBundle(other, path)).rejects.toThrow(`here already, as ${ID}-2`)
    expect([run, originalRun]).toEqual([`${ID}-2`, ID])
    expect((await listRuns(other.store)).map(({ id }) => id).sort()).toEqual([ID, `${ID}-2`])
    expect(existsSync(join(out, 'svd-r8', 'adapter_model.safetensors'))).toBe(true)
  })

  test('imported twice at once ends up here once, whole', async () => {
    const { path } = await bundled()
    const other = await temporaryServices()
    const results = await Promise.allSettled([importBundle(other, path), importBundle(other, path)])
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
    const runs = await listRuns(other.store)
    expect(readdirSync(join(other.home, 'runs'))).toEqual(runs.map(({ id }) => id))
    for (const { out } of runs) expect(readText(out, 'svd-r8', 'adapter_model.safetensors')).toBe(WEIGHTS)
  })

  test('can be cancelled and leaves nothing', async () => {
    const { path } = await bundled()
    const other = await temporaryServices()
    const before = readdirSync(other.home)
    const stop = new AbortController()
    const importing = importBundle(other, path, {
      signal: stop.signal,
      onProgress: (done) => done === 2 && stop.abort()
    })
    await expect(importing).rejects.toThrow()
    expect(readdirSync(other.home)).toEqual(before)
  })
})

interface Entry {
  name: string
  header: Buffer
  content: Buffer
}

function entriesOf(archive: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; ; ) {
    const header = archive.subarray(at, at + TAR_BLOCK)
    const entry = decodeHeader(header, 'test')
    if (entry === undefined) return entries
    const content = archive.subarray(at + TAR_BLOCK, at + TAR_BLOCK + entry.bytes)
    entries.push({ name: entry.name, header: Buffer.from(header), content: Buffer.from(content) })
    at += TAR_BLOCK + entry.bytes + padding(entry.bytes)
  }
}

const archiveOf = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ header, content }) => [header, content, Buffer.alloc(padding(content.length))]),
    Buffer.alloc(2 * TAR_BLOCK)
  ])

const entryOf = (name: string, content: string | Buffer): Entry => {
  const data = Buffer.from(content)
  return { name, header: encodeHeader({ name, bytes: data.length }), content: data }
}

/** Writes the checksum of a header that was changed. */
function reseal(header: Buffer): Buffer {
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** A manifest that lists these entries as they are. */
function relist(entries: Entry[], run = ID): Entry[] {
  const rest = entries.slice(1)
  const files = rest.map(({ name, content }) => ({ name, bytes: content.length, sha256: sha256(content) }))
  const manifest = { format: 'quail-bundle', version: 1, run, quailVersion: '0.1.0', files }
  return [entryOf(MANIFEST_NAME, JSON.stringify(manifest)), ...rest]
}

const replaceIn = (entries: Entry[], name: string, change: (value: never) => unknown): Entry[] =>
  entries.map((entry) =>
    entry.name === name ? entryOf(name, JSON.stringify(change(JSON.parse(`${entry.content}`) as never))) : entry
  )

describe('a hostile bundle', () => {
  const cases: [string, (entries: Entry[]) => Entry[] | Buffer, string][] = [
    ['a path that leads out', (e) => relist([...e, entryOf('run/inputs/../../../evil', 'x')]), 'has no place'],
    ['an absolute path', (e) => relist([...e, entryOf('/tmp/evil', 'x')]), '/tmp/evil has no place'],
    ['".." as a file name', (e) => relist([...e, entryOf('run/inputs/..', 'x')]), 'has no place'],
    ['a variant named ".."', (e) => relist([...e, entryOf('adapters/../quail.json', 'x')]), 'has no place'],
    ['a database', (e) => relist([...e, entryOf('quail.db', 'x')]), 'quail.db has no place'],
    ['a file twice', (e) => relist([...e, entryOf('run/result.json', 'x')]), 'run/result.json is there twice'],
    ['a file twice but for case', (e) => relist([...e, entryOf('run/inputs/NOTES.jsonl', 'x')]), 'is there twice'],
    ['an unlisted file', (e) => [...e, entryOf('run/inputs/more.jsonl', 'x')], 'not listed'],
    ['a missing file', (e) => e.filter(({ name }) => name !== 'run/journal.jsonl'), 'run/journal.jsonl is missing'],
    ['no manifest', (e) => e.slice(1), 'does not begin with quail-bundle.json'],
    ['another program’s file', () => Buffer.from('PK'.repeat(1000)), 'hostile.tar is no run bundle'],
    ['a text', () => Buffer.from('# Notes\n'.repeat(200)), 'hostile.tar is no run bundle'],
    [
      'a header that was written over',
      (e) => {
        e.at(-1)!.header.write('other', 0)
        return e
      },
      "a header's checksum is wrong"
    ],
    ['a file cut off', (e) => archiveOf(e).subarray(0, 3000), 'cut off'],
    [
      'another content',
      (e) => e.map((x) => (x.name === 'run/inputs/notes.jsonl' ? entryOf(x.name, 'X'.repeat(x.content.length)) : x)),
      'run/inputs/notes.jsonl is damaged'
    ],
    [
      'a symbolic link',
      (e) => {
        const link = entryOf('run/inputs/link', '')
        link.header.write('2', 156)
        link.header.write('/etc/passwd', 157)
        reseal(link.header)
        return [...e, link]
      },
      'run/inputs/link is a symbolic link'
    ],
    [
      'a hard link',
      (e) => {
        const link = entryOf('run/inputs/link', '')
        reseal(Buffer.from(link.header))
        link.header.write('1', 156)
        reseal(link.header)
        return [...e, link]
      },
      'run/inputs/link is a hard link'
    ],
    [
      'a size beyond the file',
      (e) => {
        const last = e.at(-1)!
        last.header.write('77777777777\0', 124)
        reseal(last.header)
        return e
      },
      'more than the file holds'
    ],
    [
      'a size in another notation',
      (e) => {
        e.at(-1)!.header.write('8000000000zz', 124)
        reseal(e.at(-1)!.header)
        return e
      },
      'no valid size'
    ],
    [
      'samples that lie on this machine',
      (e) =>
        relist(
          replaceIn(e, 'run/run.json', (record: { calibration: object[] }) => ({
            ...record,
            calibration: [{ ...record.calibration[0], path: '/etc/passwd' }]
          }))
        ),
      '/etc/passwd is not the text that the run used'
    ],
    [
      'a run of another id',
      (e) => relist(replaceIn(e, 'run/run.json', (record: object) => ({ ...record, id: 'other' }))),
      'is of run "other"'
    ],
    [
      'an id that is a path',
      (e) =>
        relist(
          replaceIn(e, 'run/run.json', (record: object) => ({ ...record, id: '../evil' })),
          '../evil'
        ),
      'cannot be used'
    ],
    [
      'a variant without an adapter',
      (e) =>
        relist(
          replaceIn(e, 'run/result.json', (outcome: { variants: object[] }) => ({
            ...outcome,
            variants: [{ ...outcome.variants[0], name: '../../evil' }]
          }))
        ),
      'adapters/../../evil/adapter_config.json is missing'
    ],
    ['a record that is none', (e) => relist(replaceIn(e, 'run/run.json', () => ({ version: 2 }))), 'run.json'],
    [
      'a torn journal',
      (e) => relist(e.map((x) => (x.name === 'run/journal.jsonl' ? entryOf(x.name, '{"block"') : x))),
      'journal.jsonl is not valid JSON'
    ]
  ]

  test.each(cases)('with %s is refused before anything is written', async (_, change, message) => {
    const { path } = await bundled()
    const changed = change(entriesOf(readFileSync(path)))
    const hostile = join(temporaryHome(), 'hostile.tar')
    writeFileSync(hostile, Buffer.isBuffer(changed) ? changed : archiveOf(changed))
    const home = join(temporaryHome(), 'deep', 'home')
    mkdirSync(home, { recursive: true })
    const other = await temporaryServices(home)
    const before = readdirSync(home)

    await expect(importBundle(other, hostile)).rejects.toThrow(message)
    expect(readdirSync(home)).toEqual(before)
    expect(await listRuns(other.store)).toEqual([])
  })

  test('is told from one that was only read and written again', async () => {
    const { path } = await bundled()
    const again = join(temporaryHome(), 'again.tar')
    writeFileSync(again, archiveOf(relist(entriesOf(readFileSync(path)))))
    expect((await importBundle(await temporaryServices(), again)).run).toBe(ID)
  })
})

test('a name of up to 255 bytes is split at a slash and read back', () => {
  const name = `run/${'i'.repeat(120)}/${'n'.repeat(99)}`
  expect(decodeHeader(encodeHeader({ name, bytes: 5 }), 'test')).toEqual({ name, bytes: 5 })
  expect(() => encodeHeader({ name: 'n'.repeat(101), bytes: 0 })).toThrow('too long')
  expect(() => encodeHeader({ name: 'n', bytes: 2 ** 33 })).toThrow('below 8 GiB')
})
