import { describe, expect, it } from 'vitest'
import { newRunId } from '../../../src/services/runId'

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

  it('sort by time', () => {
    const early = newRunId('zebra', new Date(2026, 8, 9, 9, 9))
    const late = newRunId('ape', new Date(2026, 10, 1, 0, 0))
    expect([late, early].sort()).toEqual([early, late])
  })
})
