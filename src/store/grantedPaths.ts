import type { Store } from './schema'

/** Keeps paths that the person gave to the window through a dialog or a drop, so that it may name them after a restart. */
export async function rememberGrants(store: Store, paths: readonly string[], grantedAtMs = Date.now()): Promise<void> {
  if (paths.length === 0) return
  await store
    .insertInto('granted_paths')
    .values(paths.map((path) => ({ path, granted_at_ms: grantedAtMs })))
    .onConflict((conflict) => conflict.column('path').doUpdateSet({ granted_at_ms: grantedAtMs }))
    .execute()
}

/** Every path that was ever given. */
export async function listGrants(store: Store): Promise<string[]> {
  return (await store.selectFrom('granted_paths').select('path').execute()).map(({ path }) => path)
}
