import { afterEach, describe, expect, it, vi } from 'vitest'
import type { PreparedLinear } from '../../../../src/engine/models/modelLinears'
import { bytesBesideFirst, linearsAtATime, threadsOfEach } from '../../../../src/engine/solve/threadCount'

afterEach(() => vi.unstubAllEnvs())

const linear = (block: number, outFeatures: number, inFeatures: number) =>
  ({ block, outFeatures, inFeatures }) as PreparedLinear
const block = (index: number) => [linear(index, 1024, 1024), linear(index, 256, 1024), linear(index, 1024, 2048)]
const linears = [...block(0), ...block(1)]
const PLENTY = 2 ** 40

describe('linears at a time', () => {
  it('are as many as there are threads, and no more than a block has', () => {
    for (const [threads, count] of [
      [1, 1],
      [2, 2],
      [16, 3]
    ]) {
      vi.stubEnv('QUAIL_THREADS', `${threads}`)
      expect(linearsAtATime(linears, 'cpu', PLENTY)).toBe(count)
    }
  })

  it('are as many as the memory beside the first allows', () => {
    vi.stubEnv('QUAIL_THREADS', '16')
    const [two, three] = [bytesBesideFirst(linears, 2), bytesBesideFirst(linears, 3)]
    expect(two).toBe(24 * 2 ** 20) // E, its transpose and as much again; H in both precisions
    expect(three).toBeGreaterThan(two)
    expect([three, three - 1, two, two - 1, 1].map((budget) => linearsAtATime(linears, 'cpu', budget))).toEqual([
      3, 2, 2, 1, 1
    ])
  })

  it('are one on a card, and where the linears are small', () => {
    vi.stubEnv('QUAIL_THREADS', '16')
    expect(linearsAtATime(linears, 'cuda', PLENTY)).toBe(1)
    expect(linearsAtATime([linear(0, 256, 688), linear(0, 688, 256)], 'cpu', PLENTY)).toBe(1)
  })

  it('have threads for their products that together are no fewer than there are', () => {
    vi.stubEnv('QUAIL_THREADS', '16')
    expect([1, 2, 3, 7].map(threadsOfEach)).toEqual([16, 8, 6, 3])
  })
})
