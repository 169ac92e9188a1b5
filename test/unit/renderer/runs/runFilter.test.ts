import { describe, expect, test } from 'vitest'
import { moveItem } from '../../../../src/renderer/runs/moveItem'
import {
  allTags,
  countStates,
  filterAddress,
  filterRuns,
  NO_FILTER,
  parseFilter,
  type RunFilter
} from '../../../../src/renderer/runs/runFilter'
import { compareAddress, gapShare, variantsText } from '../../../../src/renderer/runs/runRow'
import type { RunListEntry } from '../../../../src/shared/contract/runs'

const run = (changes: Partial<RunListEntry>): RunListEntry => ({
  id: '20260101-0000-law',
  title: 'Law',
  project: 'default',
  status: 'completed',
  attempt: 1,
  createdAtMs: 0,
  finishedAtMs: 1,
  workedMs: 1000,
  model: '/cache/models--org--small/snapshots/abc',
  out: '/out',
  variants: ['svd-r8', 'quailora-r8'].map((name) => ({ name, method: 'x', rank: 8, quantizer: 'nf4', adapter: null })),
  perplexity: {},
  error: null,
  notes: '',
  tags: [],
  queuePosition: null,
  ...changes
})

const titles = (runs: readonly RunListEntry[], filter: Partial<RunFilter>) =>
  filterRuns(runs, { ...NO_FILTER, ...filter }).shown.map(({ title }) => title)

const RUNS = [
  run({ title: 'Law', tags: ['paper'] }),
  run({ id: 'b', title: 'Code', status: 'running', project: 'p', notes: 'for the Demo' }),
  run({ id: 'c', title: 'Chat', status: 'interrupted', tags: ['paper', 'keep'] }),
  run({ id: 'd', title: 'Books', status: 'queued', model: '/models/llama' })
]

describe('runs', () => {
  test('are found by every word in name, id, model, variant, tag or note, whatever its case', () => {
    expect(titles(RUNS, { search: 'LAW' })).toEqual(['Law'])
    expect(titles(RUNS, { search: 'org/small paper' })).toEqual(['Law', 'Chat'])
    expect(titles(RUNS, { search: 'demo' })).toEqual(['Code'])
    expect(titles(RUNS, { search: 'quailora  llama' })).toEqual(['Books'])
    expect(titles(RUNS, { search: 'abc' })).toEqual([]) // a snapshot's hash is no name
  })

  test('are told by state, project and tag; states count what passes the others', () => {
    expect(titles(RUNS, { state: 'active' })).toEqual(['Code', 'Books'])
    expect(titles(RUNS, { state: 'stopped', tag: 'paper' })).toEqual(['Chat'])
    expect(titles(RUNS, { project: 'p' })).toEqual(['Code'])
    const { inScope } = filterRuns(RUNS, { ...NO_FILTER, state: 'stopped', tag: 'paper' })
    expect(countStates(inScope)).toEqual({ all: 2, active: 0, completed: 1, stopped: 1 })
    expect(allTags(RUNS)).toEqual(['keep', 'paper'])
  })

  test('keep their filter in the address', () => {
    const filter: RunFilter = { search: 'a & b=c', state: 'stopped', project: 'p 1', tag: 'ü' }
    const address = filterAddress(filter)
    expect(parseFilter(address.slice('/runs?'.length))).toEqual(filter)
    expect(filterAddress(NO_FILTER)).toBe('/runs')
    expect(parseFilter('state=nonsense')).toEqual(NO_FILTER)
  })
})

describe('the best variant of a run', () => {
  const measured = {
    tokens: 9,
    fullPrecision: 10,
    quantizers: { nf4: 12 },
    variants: { 'svd-r8': 11.5, 'quailora-r8': 11 }
  }

  test('is named first, with the share of the gap that it closes', () => {
    const done = run({ perplexity: { 'a.txt': measured } })
    expect(gapShare(done)).toBe(0.5)
    expect(variantsText(done)).toBe('quailora-r8 +1')
  })

  test('is not known before it is measured, nor where quantizing lost nothing', () => {
    expect(gapShare(run({}))).toBeUndefined()
    expect(variantsText(run({}))).toBe('svd-r8 +1')
    const lossless = { ...measured, quantizers: { nf4: 10 } }
    expect(gapShare(run({ perplexity: { 'a.txt': lossless } }))).toBeUndefined()
  })
})

test('an item moves to a place and not beyond the ends', () => {
  expect(moveItem(['a', 'b', 'c'], 'c', 0)).toEqual(['c', 'a', 'b'])
  expect(moveItem(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c'])
  expect(moveItem(['a', 'b', 'c'], 'a', 9)).toEqual(['b', 'c', 'a'])
  expect(moveItem(['a', 'b'], 'x', 0)).toEqual(['a', 'b'])
})

test('an address of a comparison holds ids with signs of their own', () => {
  expect(compareAddress(['a', 'b,c&d'])).toBe('/compare?runs=a,b%2Cc%26d')
})
