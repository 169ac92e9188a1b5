import { describe, expect, it } from 'vitest'
import { bar, showProgress } from '../../../../src/cli/output/progress'
import type { Terminal } from '../../../../src/cli/output/terminal'
import type { LayerResult, RunEvent, RunEventDraft } from '../../../../src/shared/runEvents'
import { refinementResult } from '../../../helpers/stores'

function record(live: boolean): { terminal: Terminal; notes: string[]; drawn: string[] } {
  const notes: string[] = []
  const drawn: string[] = []
  const terminal: Terminal = {
    live,
    width: 80,
    print: () => {},
    note: (line) => notes.push(line),
    draw: (line) => drawn.push(line)
  }
  return { terminal, notes, drawn }
}

const stamped = (draft: RunEventDraft): RunEvent => ({ ...draft, run: 'r', seq: 0, atMs: 0 })

const result = (loss: number): LayerResult => ({
  name: 'layers.0.q',
  shape: [4, 4],
  lossRank0: 2,
  loss,
  lossBfloat16: loss,
  certificate: 1,
  frobeniusRank0: 1,
  frobenius: 1,
  weightNorm: 1,
  outputEnergy: 1,
  eigenvalues: []
})

const planned = (blocks: number, resumedBlocks: number): RunEvent =>
  stamped({
    type: 'planned',
    ...{ blocks, resumedBlocks, linears: 8, parameters: 128, calibrationTokens: 64, evaluationTokens: 0 },
    variants: ['zero', 'exact'],
    evaluationShare: 0
  })

const events: RunEvent[] = [
  planned(4, 2),
  stamped({ type: 'phaseStarted', phase: 'blocks', total: 4, unit: 'blocks' }),
  stamped({ type: 'phaseProgress', phase: 'blocks', done: 2, total: 4 }),
  stamped({
    type: 'layerFinished',
    block: 2,
    layer: 'layers.2.q',
    results: [
      { variant: 'zero', result: result(2) },
      { variant: 'exact', result: result(1) }
    ]
  }),
  stamped({ type: 'blockFinished', block: 2, total: 4, durationMs: 3000 }),
  stamped({ type: 'warning', code: 'X', message: 'mind this' })
]

describe('progress', () => {
  it('is a line for each finished block where lines cannot be redrawn', () => {
    const { terminal, notes, drawn } = record(false)
    const show = showProgress(terminal)
    for (const event of events) show(event)
    expect(notes).toEqual([
      '4 blocks, 2 of them done before; 8 linears, 64 calibration tokens, 2 variants',
      'block 3 of 4 in 3.0 s, 50.0 % of the loss removed, 3.2 s left',
      'warning: mind this'
    ])
    expect(drawn).toEqual([])
  })

  it('is a bar on a terminal, never wider than it', () => {
    const { terminal, notes, drawn } = record(true)
    const show = showProgress(terminal)
    for (const event of events) show(event)
    expect(notes).toEqual(['warning: mind this'])
    expect(drawn[2]).toBe('blocks     ████████████▏░░░░░░░░░░░  3 of 4')
    expect(drawn[4]).toBe('blocks     ██████████████████░░░░░░  4 of 4  layers.2.q, 3.2 s left')
    for (const line of drawn) expect([...line].length).toBeLessThan(80)
  })

  it('estimates from the blocks of this process alone after a resume', () => {
    const { terminal, notes } = record(false)
    const show = showProgress(terminal)
    show(planned(100, 89))
    show(stamped({ type: 'phaseStarted', phase: 'blocks', total: 100, unit: 'blocks' }))
    show(stamped({ type: 'phaseProgress', phase: 'blocks', done: 89, total: 100 }))
    show(stamped({ type: 'blockFinished', block: 89, total: 100, durationMs: 2000 }))
    expect(notes[1]).toBe('block 90 of 100 in 2.0 s, 23 s left')
  })

  it('says why so many rows are enough in a line of its own, on a terminal too', () => {
    const levels = [{ rows: 64, half: 0.5, left: 0.498 }]
    const enoughRows = { rows: 64, most: 512, tolerance: 0.01, why: 'settled' as const, levels }
    for (const live of [false, true]) {
      const { terminal, notes } = record(live)
      showProgress(terminal)({ ...planned(4, 0), enoughRows } as RunEvent)
      expect(notes.at(-1)).toMatch(/^64 calibration rows of each text are enough: /)
      expect(notes).toHaveLength(live ? 1 : 2)
      for (const note of notes) expect(note).not.toContain('\n')
    }
  })

  it('calls what is good to know a note', () => {
    const { terminal, notes } = record(true)
    showProgress(terminal)(stamped({ type: 'warning', code: 'A', message: 'mind this', severity: 'info' }))
    expect(notes).toEqual(['note: mind this'])
  })

  it('fills the bar by eighths of a cell', () => {
    expect([bar(0, 4), bar(0.5, 4), bar(0.53125, 4), bar(1, 4)]).toEqual(['░░░░', '██░░', '██▏░', '████'])
  })

  it('tells of a refinement after each of its checks, and on a terminal at each step', () => {
    const events: RunEvent[] = [
      { ...planned(2, 2), refinements: [{ variant: 'exact-refined', steps: 48 }] } as RunEvent,
      stamped({ type: 'phaseStarted', phase: 'refining', total: 50, unit: 'steps' }),
      stamped({ type: 'phaseProgress', phase: 'refining', done: 0, total: 50 }),
      stamped({ type: 'refined', variant: 'exact-refined', result: refinementResult(0) }),
      { ...stamped({ type: 'phaseProgress', phase: 'refining', done: 6, total: 50 }), atMs: 6000 },
      { ...stamped({ type: 'refined', variant: 'exact-refined', result: refinementResult(1) }), atMs: 6000 },
      { ...stamped({ type: 'phaseProgress', phase: 'refining', done: 48, total: 50 }), atMs: 48_000 }
    ]
    const [plain, live] = [record(false), record(true)]
    for (const { terminal } of [plain, live]) {
      const show = showProgress(terminal)
      for (const event of events) show(event)
    }
    expect(plain.notes.slice(1)).toEqual([
      'refining …',
      'exact-refined: held-out KL 0.00333 at the start, 0.00833 without an adapter',
      'exact-refined: held-out KL 0.00250 after 6 of 48 steps; 0.00333 at the start, 44 s left'
    ])
    expect(live.drawn[5]).toMatch(/^refining +█+.░* {2}exact-refined 7 of 48, KL −25 %, 44 s left$/)
    // The texts go through the refined model: no step of it any more.
    expect(live.drawn[6]).toMatch(/^refining +█+.? *░*(, \d.* left)?$/)
  })
})
