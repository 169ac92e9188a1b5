import { describe, expect, it } from 'vitest'
import { newRunId, subjectOf } from '../../../src/services/runId'

describe('run ids', () => {
  it('hold the time, the checkpoint and a suffix', () => {
    expect(newRunId('/models/Llama', new Date(2026, 10, 23, 14, 5), 'x7f3')).toBe('20261123-1405-llama-x7f3')
  })

  it('are safe as directory names whatever the checkpoint is called', () => {
    expect(newRunId('/models/Qwen 2.5 (7B)/', new Date(2026, 0, 2, 3, 4), 'aaaa')).toBe(
      '20260102-0304-qwen-2-5-7b-aaaa'
    )
    expect(newRunId('/models/模型', new Date(2026, 0, 2, 3, 4), 'aaaa')).toBe('20260102-0304-model-aaaa')
    expect(newRunId('x')).toMatch(/^\d{8}-\d{4}-x-[a-z0-9]{4}$/)
  })

  it('name a snapshot of a cache by its model, not by its commit', () => {
    const model = '/hub/models--Qwen--Qwen3-4B/snapshots/0123456789abcdef0123456789abcdef01234567'
    const at = new Date(2026, 10, 23, 14, 5)
    expect(newRunId(subjectOf({ model }), at, 'x7f3')).toBe('20261123-1405-qwen3-4b-x7f3')
    expect(newRunId(subjectOf({ model, name: 'law' }), at, 'x7f3')).toBe('20261123-1405-law-x7f3')
  })

  it('sort by time', () => {
    const early = newRunId('zebra', new Date(2026, 8, 9, 9, 9))
    const late = newRunId('ape', new Date(2026, 10, 1, 0, 0))
    expect([late, early].sort()).toEqual([early, late])
  })
})
