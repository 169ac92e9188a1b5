import { describe, expect, it } from 'vitest'
import { paddedRows } from '../../../../src/engine/calibration/rows'
import { RefinedRows } from '../../../../src/engine/refine/refinedRows'

const CONTEXT = 4

/** Samples of the given lengths, each a row. */
const rowsOf = (...lengths: number[]) =>
  paddedRows(
    lengths.map((length, i) => ({ ids: Int32Array.from({ length }, (_, at) => 10 * i + at + 1) })),
    CONTEXT,
    lengths.length,
    0
  )

const full = (count: number) => rowsOf(...Array.from({ length: count }, () => CONTEXT))

describe('the rows of a refinement', () => {
  it('are those that it learns from and, evenly spaced, an eighth that it does not see', () => {
    const rows = new RefinedRows(full(32), 0)
    expect(rows.heldOut).toEqual([4, 12, 20, 28])
    expect(rows.training).toHaveLength(28)
    expect([...rows.training, ...rows.heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, i) => i))
  })

  it('come all before one comes again, in an order that the seed decides', () => {
    const rows = new RefinedRows(full(16), 3)
    const sweep = [1, 2, 3, 4, 5, 6, 7].flatMap((step) => rows.ofStep(step, 2))
    expect([...sweep].sort((a, b) => a - b)).toEqual(rows.training)
    const next = [8, 9, 10, 11, 12, 13, 14].flatMap((step) => rows.ofStep(step, 2))
    expect([...next].sort((a, b) => a - b)).toEqual(rows.training)
    expect(next).not.toEqual(sweep)
    expect(new RefinedRows(full(16), 3).ofStep(5, 2)).toEqual(rows.ofStep(5, 2))
    const other = new RefinedRows(full(16), 4)
    expect([1, 2, 3, 4, 5, 6, 7].flatMap((step) => other.ofStep(step, 2))).not.toEqual(sweep)
  })

  it('go on over the end of a sweep, and are no more than there are', () => {
    const rows = new RefinedRows(full(4), 0)
    expect(rows.training).toHaveLength(3)
    const seen = [1, 2, 3].flatMap((step) => rows.ofStep(step, 2))
    expect(seen.slice(0, 3).sort()).toEqual(seen.slice(3).sort())
    expect(rows.ofStep(1, 64)).toHaveLength(3)
  })

  it('say where a token is predicted: not behind the last one, nor in pads', () => {
    const rows = new RefinedRows(rowsOf(4, 2, 3), 0)
    const [first, second] = rows.cut([0, 1, 2], 2)
    expect(first?.rows).toEqual([0, 1])
    expect(Array.from(first?.predicting ?? [])).toEqual([0, 1, 2, 4])
    expect(Array.from(first?.real ?? [])).toEqual([1, 1, 1, 1, 1, 1, 0, 0])
    expect(Array.from(first?.ids ?? [])).toEqual([1, 2, 3, 4, 11, 12, 0, 0])
    expect(Array.from(second?.predicting ?? [])).toEqual([0, 1])
    expect(rows.tokens([0, 1, 2])).toBe(6)
  })

  it('leave out those in which no token counts', () => {
    const rows = full(4)
    rows.counted.fill(0, CONTEXT, 2 * CONTEXT)
    const { training, heldOut } = new RefinedRows(rows, 0)
    expect([...training, ...heldOut].sort()).toEqual([0, 2, 3])
  })
})
