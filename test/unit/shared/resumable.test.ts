import { expect, it } from 'vitest'
import { isResumable } from '../../../src/shared/resumable'
import { RunStatus } from '../../../src/shared/runEvents'

it('a run goes on unless it is on its way, complete, or failed for values that it would meet again', () => {
  const resumable = (error?: { code: string }) =>
    RunStatus.options.filter((status) => isResumable({ status, ...(error && { error }) }))
  expect(resumable()).toEqual(['interrupted', 'cancelled', 'failed'])
  expect(resumable({ code: 'IO' })).toEqual(['interrupted', 'cancelled', 'failed'])
  expect(isResumable({ status: 'failed', error: { code: 'NUMERICS' } })).toBe(false)
  expect(isResumable({ status: 'interrupted', error: null })).toBe(true)
})
