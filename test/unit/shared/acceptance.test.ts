import { describe, expect, it } from 'vitest'
import {
  type AcceptanceResult,
  acceptanceSentence,
  acceptedDivergence,
  blockGroups,
  isKept
} from '../../../src/shared/acceptance'

const found: AcceptanceResult = {
  ...{ blocks: 10, heldOutRows: 2, heldOutTokens: 126, quantized: 0.004, whole: 0.005 },
  groups: [
    { first: 0, end: 3, divergence: 0.0041, kept: false },
    { first: 3, end: 5, divergence: 0.0035, kept: true },
    { first: 5, end: 8, divergence: null, kept: false },
    { first: 8, end: 10, divergence: 0.003, kept: true }
  ],
  kept: 'groups'
}

describe('groups of blocks', () => {
  it.each([1, 2, 3, 4, 5, 7, 10, 32])('of a model of %s cover each block once', (blocks) => {
    const groups = blockGroups(blocks)
    const covered = groups.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, i) => first + i))
    expect(covered).toEqual(Array.from({ length: blocks }, (_, i) => i))
    expect(groups).toHaveLength(Math.min(4, blocks))
  })
})

describe('what is kept of an adapter', () => {
  it('is known by block, with its divergence', () => {
    const kept = Array.from({ length: 10 }, (_, block) => isKept(found, block))
    expect(kept.map(Number)).toEqual([0, 0, 0, 1, 1, 0, 0, 0, 1, 1])
    expect(acceptedDivergence(found)).toBe(0.003)
    expect(acceptedDivergence({ ...found, kept: 'whole', whole: 0.002, groups: [] })).toBe(0.002)
    const nothing = found.groups.map((group) => ({ ...group, kept: false }))
    expect(acceptedDivergence({ ...found, kept: 'zero', groups: nothing })).toBe(0.004)
  })

  it('is told in a sentence', () => {
    expect(acceptanceSentence(found)).toBe(
      'kept in blocks 4–5, 9–10 of 10 alone, lora_B is 0 in the others: held-out KL 0.00500 with all of it, 0.00400 without an adapter, 0.00300 as kept'
    )
    const one = { ...found, blocks: 2, groups: [{ first: 0, end: 1, divergence: 0.003, kept: true }] }
    expect(acceptanceSentence(one)).toMatch(/^kept in block 1 of 2 alone, /)
    expect(acceptanceSentence({ ...found, kept: 'whole', whole: 0.002, groups: [] })).toBe(
      'kept whole: held-out KL 0.00200 with all of it, 0.00400 without an adapter'
    )
    expect(acceptanceSentence({ ...found, kept: 'zero', whole: null })).toBe(
      'no part of it helps, lora_B is 0 everywhere: held-out KL not finite with all of it, 0.00400 without an adapter'
    )
  })
})
