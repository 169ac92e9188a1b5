import { describe, expect, it } from 'vitest'
import { applyChanges } from '../../../src/shared/findings'

describe('changes of a recipe', () => {
  const recipe = { rows: 1, texts: { files: ['a', 'b'] }, list: [{ rank: 1 }, { rank: 2 }] }

  it('put a value where the path leads, and touch nothing else', () => {
    const before = structuredClone(recipe)
    expect(
      applyChanges(recipe, [
        { path: ['texts', 'files'], value: ['c'] },
        { path: ['list', 1, 'rank'], value: 8 },
        { path: ['new', 'key'], value: true }
      ])
    ).toEqual({ rows: 1, texts: { files: ['c'] }, list: [{ rank: 1 }, { rank: 8 }], new: { key: true } })
    expect(recipe).toEqual(before)
  })

  it('remove what gets no value', () => {
    const changed = applyChanges(recipe, [{ path: ['texts'] }, { path: ['list', 0, 'rank'] }])
    expect(changed).toEqual({ rows: 1, list: [{}, { rank: 2 }] })
    expect(changed).not.toHaveProperty('texts')
  })
})
