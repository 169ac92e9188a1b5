import { describe, expect, test } from 'vitest'
import { holdOut } from '../../../src/services/holdOut'
import { eachSample, importSet, listSets } from '../../../src/store/calibrationSets'
import type { Store } from '../../../src/store/schema'
import { sha256, temporaryStore } from '../../helpers/stores'

async function all(store: Store, name: string): Promise<string[]> {
  const samples: string[] = []
  for await (const sample of eachSample(store, name)) samples.push(sample)
  return samples
}

const importLaw = (store: Store, samples: string[], hints: Record<string, unknown> = {}) =>
  importSet(store, { name: 'law', source: { path: '/texts/law.txt', sha256: sha256('x') }, samples, hints })

const numbered = Array.from({ length: 103 }, (_, i) => `sample ${i}`)

async function partsOf(store: Store, how: { share: number; seed: number }) {
  const { calibration, evaluation } = await holdOut(store, 'law', how)
  return {
    calibration: await all(store, calibration.name),
    evaluation: await all(store, evaluation.name)
  }
}

describe('a share of a set is held out', () => {
  test('with every sample in one part, in order, and the set as it was', async () => {
    const store = await temporaryStore()
    await importLaw(store, numbered)
    const { calibration, evaluation } = await partsOf(store, { share: 0.1, seed: 0 })
    expect(evaluation).toHaveLength(10)
    expect([...calibration, ...evaluation].sort()).toEqual([...numbered].sort())
    expect(evaluation).toEqual(numbered.filter((sample) => evaluation.includes(sample)))
    expect(await all(store, 'law')).toEqual(numbered)
  })

  test('the same by the same seed on every machine, another by another', async () => {
    const chosen = async (seed: number) => {
      const store = await temporaryStore()
      await importLaw(store, numbered)
      return (await partsOf(store, { share: 0.03, seed })).evaluation
    }
    // The three places of 103 whose SHA-256 of "0:place" is smallest, by Python's hashlib.
    expect(await chosen(0)).toEqual(['sample 15', 'sample 46', 'sample 87'])
    expect(await chosen(1)).not.toEqual(await chosen(0))
  })

  test('once: asked again, the parts that are there are given, and other parts are refused', async () => {
    const store = await temporaryStore()
    await importLaw(store, numbered)
    const first = await holdOut(store, 'law', { share: 0.1, seed: 0 })
    expect(await holdOut(store, 'law', { share: 0.1, seed: 0 })).toEqual(first)
    await expect(holdOut(store, 'law', { share: 0.2, seed: 0 })).rejects.toThrow(
      'already a set named "law-calibration"'
    )
    expect((await listSets(store)).map(({ name }) => name)).toEqual(['law', 'law-calibration', 'law-evaluation'])
  })

  test('of one text as a stretch between paragraphs, whatever the seed', async () => {
    const paragraphs = Array.from({ length: 40 }, (_, i) => `Paragraph ${i}. ${'word '.repeat(20)}`)
    for (let seed = 0; seed < 8; seed++) {
      const store = await temporaryStore()
      await importLaw(store, [paragraphs.join('\n\n')], { kind: 'text', split: 'document' })
      const { calibration, evaluation } = await partsOf(store, { share: 0.2, seed })
      const held = evaluation[0]?.split('\n\n') ?? []
      const begin = paragraphs.indexOf(held[0] ?? '')
      expect(held).toEqual(paragraphs.slice(begin, begin + held.length))
      expect(held.length).toBeGreaterThanOrEqual(7)
      expect(held.length).toBeLessThanOrEqual(9)
      const rest = calibration.flatMap((part) => part.split('\n\n'))
      expect(rest).toEqual(paragraphs.filter((paragraph) => !held.includes(paragraph)))
    }
  })

  test('never all of it, and of two paragraphs one', async () => {
    const store = await temporaryStore()
    await importLaw(store, ['short\n\nlong '.padEnd(500, 'x')])
    const parts = await partsOf(store, { share: 0.99, seed: 3 })
    expect([parts.calibration.length, parts.evaluation.length]).toEqual([1, 1])
  })

  test('not where there is nothing to part', async () => {
    const store = await temporaryStore()
    await importLaw(store, ['one line\nand another'])
    await expect(holdOut(store, 'law', { share: 0.1, seed: 0 })).rejects.toThrow('law is one paragraph')
    await expect(holdOut(store, 'lax', { share: 0.1, seed: 0 })).rejects.toThrow('no calibration set named "lax"')
    expect(await listSets(store)).toHaveLength(1)
  })
})
