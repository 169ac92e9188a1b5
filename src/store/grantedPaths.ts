import { type NamedPath, PURPOSES, type Purpose } from '../shared/contract/purposes'
import type { Store } from './schema'

/** What is written by name is chosen anew each time. */
const FORGOTTEN: readonly Purpose[] = ['writeRecipe', 'writeBundle', 'writeFile']

/** Keeps what the person granted to the window, so that it may name it after a restart. */
export async function rememberGrants(
  store: Store,
  paths: readonly NamedPath[],
  grantedAtMs = Date.now()
): Promise<void> {
  const kept = paths.filter(({ purpose }) => !FORGOTTEN.includes(purpose))
  if (kept.length === 0) return
  await store
    .insertInto('granted_paths')
    .values(kept.map(({ path, purpose }) => ({ path, purpose, granted_at_ms: grantedAtMs })))
    .onConflict((conflict) => conflict.columns(['path', 'purpose']).doUpdateSet({ granted_at_ms: grantedAtMs }))
    .execute()
}

/** Every grant that was kept. */
export async function listGrants(store: Store): Promise<NamedPath[]> {
  const rows = await store.selectFrom('granted_paths').select(['path', 'purpose']).execute()
  return rows.filter((row): row is NamedPath => Object.hasOwn(PURPOSES, row.purpose))
}
