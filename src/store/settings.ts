import type { z } from 'zod'
import { inTransaction } from './database'
import type { Store } from './schema'

/** The value kept under a key; undefined when there is none, or one that is no longer of this form. */
export async function readSetting<T>(store: Store, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const row = await store.selectFrom('settings').select('value_json').where('key', '=', key).executeTakeFirst()
  return row === undefined ? undefined : schema.safeParse(JSON.parse(row.value_json)).data
}

/** Keeps a value under a key, replacing the one before. */
export async function writeSetting(store: Store, key: string, value: unknown): Promise<void> {
  const value_json = JSON.stringify(value)
  await store
    .insertInto('settings')
    .values({ key, value_json })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value_json }))
    .execute()
}

/**
 * Makes the value under a key anew from the one that is there, which `change` is given as `readSetting` reads it, and returns
 * it. Changes that are made at once, here or in another process, come one after the other: none is lost to another.
 */
export const changeSetting = <T>(
  store: Store,
  key: string,
  schema: z.ZodType<T>,
  change: (now: T | undefined) => T
): Promise<T> =>
  inTransaction(store, async (trx) => {
    const next = change(await readSetting(trx, key, schema))
    await writeSetting(trx, key, next)
    return next
  })
