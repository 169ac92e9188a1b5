import type { Store } from './schema'

/** The place after the last queued run. */
export async function nextQueuePosition(store: Store): Promise<number> {
  const { last } = await store
    .selectFrom('runs')
    .select(({ fn }) => fn.max<number | null>('queue_position').as('last'))
    .executeTakeFirstOrThrow()
  return (last ?? 0) + 1
}
