import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { appendJournal, readJournal as readSteps, rewriteJournal } from '../../../../src/engine/run/journal'
import type { JournalEntry, SolvedBlock } from '../../../../src/shared/runFolder'

const root = mkdtempSync(join(tmpdir(), 'quail-journal-'))
afterAll(() => rmSync(root, { recursive: true }))
const newFolder = () => mkdtempSync(join(root, 'run-'))

/** A run of four blocks, which are solved from the first to the last and then measured. */
const STEPS = [
  ...[0, 1, 2, 3].map((block) => ({ pass: 'solve' as const, block })),
  { pass: 'evaluate' as const, block: 4 }
]
const readJournal = (folder: string) => readSteps(folder, STEPS)

const entry = (block: number): SolvedBlock => ({
  pass: 'solve',
  block,
  factors: { file: `factors/block-${block}.safetensors`, sha256: 'f' },
  spool: [{ stream: 'calibration', file: `calibration.${block}.bin`, bytes: 8, sha256: 's' }],
  fingerprints: { 'nf4-b64-dq': [{ name: 'q', codes: 'c', absmax: 'a' }] },
  results: [],
  durationMs: 1.5
})

const measured: JournalEntry = { pass: 'evaluate', block: 4, rows: 'r', durationMs: 2.5 }

/** A journal of these lines. */
function journalOf(...lines: string[]): string {
  const folder = newFolder()
  writeFileSync(join(folder, 'journal.jsonl'), lines.join('\n'))
  return folder
}
const line = (block: number): string => JSON.stringify(entry(block))

describe('a journal', () => {
  it('is empty where there is none', async () => {
    expect(await readJournal(newFolder())).toEqual([])
  })

  it('gives back what was appended, in order', async () => {
    const folder = newFolder()
    for (const block of [0, 1, 2]) await appendJournal(folder, entry(block))
    expect(await readJournal(folder)).toEqual([entry(0), entry(1), entry(2)])
  })

  it('knows of which pass a step is', async () => {
    const all = [0, 1, 2, 3].map(line)
    expect(await readJournal(journalOf(...all, JSON.stringify(measured)))).toEqual([
      ...[0, 1, 2, 3].map(entry),
      measured
    ])
    expect(await readJournal(journalOf(...all, line(4)))).toHaveLength(4)
    expect(await readJournal(journalOf(line(0), JSON.stringify(measured)))).toEqual([entry(0)])
  })

  it('follows a pass that goes backwards', async () => {
    const backwards = [...STEPS.slice(0, 4)].reverse()
    const folder = journalOf(line(3), line(2), line(0))
    expect(await readSteps(folder, backwards)).toEqual([entry(3), entry(2)])
  })

  it('takes blocks without a pass, as older versions wrote them, for solved ones', async () => {
    const { pass: _, ...older } = entry(0)
    expect(await readJournal(journalOf(JSON.stringify(older), line(1)))).toEqual([entry(0), entry(1)])
  })

  it('ends before a line that was cut off', async () => {
    expect(await readJournal(journalOf(line(0), line(1).slice(0, -1)))).toEqual([entry(0)])
    expect(await readJournal(journalOf(line(0).slice(0, 40)))).toEqual([])
  })

  it.each([
    ['a gap', [line(0), line(2), line(3)]],
    ['a block that comes twice', [line(0), line(0), line(1)]],
    ['a line of another kind', [line(0), '{"block":1}', line(1)]],
    ['a line that is no JSON', [line(0), 'what is this', line(1)]],
    ['an empty line', [line(0), '', line(1)]]
  ])('ends before %s', async (_, lines) => {
    expect(await readJournal(journalOf(...lines))).toEqual([entry(0)])
  })

  it('goes on after a torn line when it was rewritten', async () => {
    const folder = journalOf(line(0), line(1).slice(0, 30))
    await rewriteJournal(folder, await readJournal(folder))
    await appendJournal(folder, entry(1))
    expect(await readJournal(folder)).toEqual([entry(0), entry(1)])
    appendFileSync(join(folder, 'journal.jsonl'), 'x')
    expect(readFileSync(join(folder, 'journal.jsonl'), 'utf8').split('\n')).toHaveLength(3)
    expect(await readJournal(folder)).toHaveLength(2)
  })

  it('is never emptied on the way to another: whoever has it open still reads all of it', async () => {
    const folder = journalOf(line(0), line(1), 'torn')
    const before = openSync(join(folder, 'journal.jsonl'), 'r')
    await rewriteJournal(folder, await readJournal(folder))
    expect(readFileSync(before, 'utf8')).toBe([line(0), line(1), 'torn'].join('\n'))
    closeSync(before)
    expect(await readJournal(folder)).toEqual([entry(0), entry(1)])
  })
})
