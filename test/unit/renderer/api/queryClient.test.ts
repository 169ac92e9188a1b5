import { afterEach, describe, expect, test } from 'vitest'
import { queryClient, refreshAfter } from '../../../../src/renderer/api/queryClient'
import { AppError, badInput } from '../../../../src/shared/errors'

const queryKey = ['proof.run', { id: 'law' }]

/** The run was read; then it was asked for again, and that failed. */
async function askedTwice(error: AppError): Promise<unknown> {
  await queryClient.fetchQuery({ queryKey, queryFn: () => 'the run' })
  const again = queryClient.fetchQuery({ queryKey, queryFn: () => Promise.reject(error), staleTime: 0, retry: false })
  await expect(again).rejects.toBe(error)
  return queryClient.getQueryData(queryKey)
}

afterEach(() => queryClient.clear())

describe('an answer that was there', () => {
  test('goes when what it was about is there no more: a deleted run is not shown as if nothing had happened', async () => {
    expect(await askedTwice(badInput('there is no run "law"'))).toBeUndefined()
    expect(queryClient.getQueryState(queryKey)?.error?.message).toBe('there is no run "law"')
  })

  test('stays when asking fails for another reason', async () => {
    expect(await askedTwice(new AppError('INTERNAL', 'the engine process is starting again'))).toBe('the run')
    expect(await askedTwice(new AppError('STORE', 'the database is locked'))).toBe('the run')
  })
})

test('a plan that is not shown is asked for again once sets, models or devices came or went', async () => {
  for (const type of ['sets.changed', 'models.changed', 'settings.changed'] as const) {
    await queryClient.fetchQuery({ queryKey: ['plan.preflight', {}], queryFn: () => type, staleTime: 0 })
    expect(queryClient.getQueryState(['plan.preflight', {}])?.isInvalidated).toBe(false)
    refreshAfter({ type })
    expect(queryClient.getQueryState(['plan.preflight', {}])?.isInvalidated).toBe(true)
  }
})
