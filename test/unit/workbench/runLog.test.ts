import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../../src/shared/runEvents'
import { logEntry } from '../../../src/workbench/runLog'

const text = (event: object): string => logEntry({ position: 0, attempt: 1, event: event as RunEvent }).text

describe('a line of the log', () => {
  const planned = { type: 'planned', linears: 28, calibrationTokens: 16_384, resumedBlocks: 0 }

  test('counts one as one', () => {
    expect(text({ type: 'phaseStarted', phase: 'exporting', total: 1, unit: 'adapters' })).toBe('exporting: 1 adapter')
    expect(text({ type: 'phaseStarted', phase: 'embedding', total: 1, unit: 'sets of rows' })).toBe(
      'embedding: 1 set of rows'
    )
    expect(text({ type: 'layerFinished', layer: 'q_proj', results: [{}] })).toBe('q_proj: 1 variant solved')
    expect(text({ ...planned, blocks: 1, resumedBlocks: 1, variants: ['svd-r4'] })).toBe(
      'planned: 1 block, 28 linears, 16,384 calibration tokens, variant svd-r4; 1 block was finished before'
    )
  })

  test('counts several', () => {
    expect(text({ type: 'phaseStarted', phase: 'blocks', total: 4, unit: 'blocks' })).toBe('blocks: 4 blocks')
    expect(text({ ...planned, blocks: 4, resumedBlocks: 2, variants: ['svd-r4', 'exact-r4'] })).toBe(
      'planned: 4 blocks, 28 linears, 16,384 calibration tokens, variants svd-r4, exact-r4; 2 blocks were finished before'
    )
  })
})
