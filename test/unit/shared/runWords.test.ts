import { describe, expect, it } from 'vitest'
import { warningCount, warningWord } from '../../../src/shared/runWords'

describe('warnings of a run', () => {
  it('are notes where they are good to know and no more', () => {
    expect([{}, { severity: 'info' as const }].map(warningWord)).toEqual(['warning', 'note'])
    expect(warningCount([{}, { severity: 'info' }, {}])).toBe('2 warnings, 1 note')
    expect(warningCount([{ severity: 'info' }])).toBe('1 note')
    expect(warningCount([{}])).toBe('1 warning')
  })
})
