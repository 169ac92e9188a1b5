import { sql } from 'kysely'
import type { Store } from './schema'

/** Free space in the file that is worth writing it anew, bytes. */
const WORTH_BYTES = 4 * 2 ** 20

/**
 * Gives the space of deleted rows back to the disk: the file is written anew without it where that is worth it. What another
 * process or a full disk prevents is done after a later deletion.
 */
export async function giveBackSpace(store: Store): Promise<void> {
  const [pages, size] = [await pragma(store, 'freelist_count'), await pragma(store, 'page_size')]
  if (pages * size < WORTH_BYTES) return
  try {
    await sql`vacuum`.execute(store)
    await sql`pragma wal_checkpoint(truncate)`.execute(store)
  } catch {}
}

async function pragma(store: Store, name: 'freelist_count' | 'page_size'): Promise<number> {
  const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(store)
  return rows[0]?.[name] ?? 0
}
