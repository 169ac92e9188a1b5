import type { z } from 'zod'
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
