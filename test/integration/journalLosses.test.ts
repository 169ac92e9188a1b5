import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from '../../src/shared/runFolder'
import { characterModel } from '../helpers/characterModel'
import { adapterDigests, finishedOf, makeRun, runToEnd, toEnd } from '../helpers/runs'

const { model, text } = characterModel('gemma2')
const short = {
  model,
  context: 32,
  calibration: { files: [text], rows: 24 },
  variants: [
    { method: 'exact', rank: 4, rankBudget: {} },
    { method: 'svd', rank: 4, quantizer: { format: 'fp4' } }
  ]
}

const whole = toEnd(short)

type Entry<Pass extends string> = Extract<JournalEntry, { pass: Pass }>

/** An entry of each pass with something of it lost, in the form that every entry has. */
const LOSSES: [what: string, change: (entry: JournalEntry) => JournalEntry][] = [
  ['the fingerprints of a quantizer', solved((entry) => ({ ...entry, fingerprints: omit(entry.fingerprints) }))],
  [
    'the fingerprint of one linear',
    solved((entry) => {
      const [[key, linears] = ['', []]] = Object.entries(entry.fingerprints)
      return { ...entry, fingerprints: { ...entry.fingerprints, [key]: linears.slice(1) } }
    })
  ],
  ['a result', solved((entry) => ({ ...entry, results: entry.results.slice(1) }))],
  ['what one rank would have given', solved(({ uniform: _, ...entry }) => entry)],
  ['the ranks of a budget', measured((entry) => ({ ...entry, ranks: {} }))],
  ['the curvature of a block', measured((entry) => ({ ...entry, files: entry.files.slice(1) }))]
]

function solved(change: (entry: Entry<'solve'>) => JournalEntry) {
  return (entry: JournalEntry) => (entry.pass === 'solve' && entry.block === 0 ? change(entry) : entry)
}

function measured(change: (entry: Entry<'curvature'>) => JournalEntry) {
  return (entry: JournalEntry) => (entry.pass === 'curvature' ? change(entry) : entry)
}

/** Without its last key. */
const omit = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).slice(0, -1))

describe('a journal that lost', () => {
  it.each(LOSSES)('%s is not gone on from: what it lacks is computed again, to the same bytes', async (_, change) => {
    const { run, finished } = await whole
    const names = finished.variants.map(({ name }) => name)
    const broken = makeRun(short)
    await runToEnd(broken, (event) => event.type === 'blockFinished' && event.block === 1)
    const journal = join(broken.folder, 'journal.jsonl')
    const entries = readFileSync(journal, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalEntry)
    const changed = entries.map(change)
    expect(changed).not.toEqual(entries)
    writeFileSync(journal, changed.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    const resumed = await runToEnd(broken)
    expect(resumed.find(({ type }) => type === 'planned')).toMatchObject({ resumedBlocks: 0 })
    expect(finishedOf(resumed).status).toBe('completed')
    expect(adapterDigests(broken, names)).toEqual(adapterDigests(run, names))
  })
})
