import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { countCharacters, sampleLine, wellFormed } from '../../../src/store/calibrationSamples'
import { deleteSet, getSet, importSet, listSets, readSamples } from '../../../src/store/calibrationSets'
import type { Store } from '../../../src/store/schema'
import { sha256, temporaryStore } from '../../helpers/stores'

const source = { path: '/texts/law.txt', sha256: sha256('law') }
const fill = (store: Store, name: string, samples: string[]) => importSet(store, { name, source, samples })

const count = async (store: Store, table: string) =>
  (await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(store)).rows[0]!.n

test('stores samples with their provenance', async () => {
  const store = await temporaryStore()
  const hints = { split: 'paragraph', badRows: 2 }
  const samples = ['We the People', 'naïve 𝔉raktur', '']
  const set = await importSet(store, { name: 'law', policy: 'padded', hints, source, samples, importedAtMs: 1234 })
  expect(set).toEqual({
    id: 1,
    name: 'law',
    policy: 'padded',
    hints,
    source: { name: 'law.txt', path: '/texts/law.txt', sha256: source.sha256 },
    contentSha256: sha256(samples.map(sampleLine).join('')),
    importedAtMs: 1234,
    sampleCount: 3,
    characterCount: 13 + 13
  })
  expect(await getSet(store, 'law')).toEqual(set)
  expect(await readSamples(store, 'law')).toEqual(samples.map((text, position) => ({ position, text })))
})

test('texts come back exactly: control characters, NUL, quotes, line ends, a byte order mark', async () => {
  const store = await temporaryStore()
  const samples = ['a\u0000b', '\u0001\u001f\u007f', '"\\"', '\r\n\u2028', '\uFEFFx', '😀'.repeat(3), ' \t ']
  await fill(store, 'odd', samples)
  expect((await readSamples(store, 'odd')).map(({ text }) => text)).toEqual(samples)
})

test('half a surrogate pair, which UTF-8 cannot hold, becomes a replacement character', async () => {
  const store = await temporaryStore()
  const set = await fill(store, 'half', ['a\uD83Db'])
  expect(await readSamples(store, 'half')).toEqual([{ position: 0, text: 'a\uFFFDb' }])
  expect(set.contentSha256).toBe(sha256(sampleLine('a\uFFFDb')))
  expect(wellFormed('😀')).toBe('😀')
})

test('characters are code points', () => {
  expect(countCharacters('a😀é')).toBe([...'a😀é'].length)
})

test('ten thousand samples from a slow source are stored and read in pages', async () => {
  const store = await temporaryStore()
  async function* slowly() {
    for (let i = 0; i < 10_000; i++) {
      if (i % 1000 === 0) await eventLoopTurn()
      yield `sample ${i}`
    }
  }
  await importSet(store, { name: 'many', source, samples: slowly() })
  const texts: string[] = []
  for (let after = -1; ; ) {
    const page = await readSamples(store, 'many', { after, limit: 777 })
    if (page.length === 0) break
    texts.push(...page.map(({ text }) => text))
    after = page.at(-1)!.position
  }
  expect(texts).toEqual(Array.from({ length: 10_000 }, (_, i) => `sample ${i}`))
})

test('a source that fails midway leaves nothing', async () => {
  const store = await temporaryStore()
  function* broken() {
    for (let i = 0; i < 2500; i++) yield `sample ${i}`
    throw new Error('the disk is gone')
  }
  await expect(importSet(store, { name: 'law', source, samples: broken() })).rejects.toThrow('the disk is gone')
  expect(await listSets(store)).toEqual([])
  expect(await count(store, 'calibration_samples')).toBe(0)
  expect(await count(store, 'staged_samples')).toBe(0)
})

test('two imports at once keep their samples apart', async () => {
  const store = await temporaryStore()
  const texts = (name: string) => Array.from({ length: 2500 }, (_, i) => `${name} ${i}`)
  await Promise.all(['a', 'b'].map((name) => fill(store, name, texts(name))))
  for (const name of ['a', 'b']) {
    expect((await readSamples(store, name, { limit: 5000 })).map(({ text }) => text)).toEqual(texts(name))
  }
})

test('a name that is taken, an empty name and an empty source are refused', async () => {
  const store = await temporaryStore()
  await fill(store, 'law', ['x'])
  await expect(fill(store, 'law', ['y'])).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('already a calibration set named "law" (from law.txt, 1 sample)')
  })
  await expect(fill(store, ' ', ['y'])).rejects.toThrow('a calibration set needs a name')
  await expect(fill(store, 'none', [])).rejects.toThrow('/texts/law.txt holds no sample')
  expect((await listSets(store)).map(({ name }) => name)).toEqual(['law'])
})

test('deleting a set takes its samples along', async () => {
  const store = await temporaryStore()
  await fill(store, 'law', ['x', 'y'])
  await fill(store, 'medicine', ['z'])
  await deleteSet(store, 'law')
  expect((await listSets(store)).map(({ name }) => name)).toEqual(['medicine'])
  expect(await count(store, 'calibration_samples')).toBe(1)
})

test('an unknown set is refused with the names that there are', async () => {
  const store = await temporaryStore()
  await expect(getSet(store, 'law')).rejects.toThrow('there is no calibration set named "law"; none is stored')
  await fill(store, 'medicine', ['x'])
  await fill(store, 'law', ['x'])
  const sentence = 'there is no calibration set named "medicin"; stored are: law, medicine; did you mean "medicine"?'
  await expect(getSet(store, 'medicin')).rejects.toMatchObject({ code: 'BAD_INPUT', message: sentence })
  await expect(deleteSet(store, 'medicin')).rejects.toThrow(sentence)
  await expect(readSamples(store, 'medicin')).rejects.toThrow(sentence)
})

test('of many sets some are named, and the nearest in any case', async () => {
  const store = await temporaryStore()
  for (let i = 10; i < 40; i++) await fill(store, `set-${i}`, ['x'])
  await expect(getSet(store, 'set-399')).rejects.toThrow(
    /stored are: set-10, .*set-21, and 18 more; did you mean "set-39"\?$/
  )
})
