import { sql } from 'kysely'
import type { Store } from './schema'

/** An adapter directory that a run wrote. */
export interface Artifact {
  readonly variant: string
  readonly path: string
  /** Size and SHA-256 of adapter_model.safetensors; null when it was not there any more as the database was rebuilt. */
  readonly bytes: number | null
  readonly sha256: string | null
}

/** Keeps where a variant's adapter lies, replacing what an earlier attempt wrote. */
export async function saveArtifact(store: Store, run: string, artifact: Artifact): Promise<void> {
  const { variant, path, bytes, sha256 } = artifact
  await store
    .insertInto('artifacts')
    .values({ run_id: run, variant, path, bytes, sha256 })
    .onConflict((conflict) => conflict.columns(['run_id', 'variant']).doUpdateSet({ path, bytes, sha256 }))
    .execute()
}

/** The adapters of a run, in the order in which they were first written. */
export function listArtifacts(store: Store, run: string): Promise<Artifact[]> {
  return store
    .selectFrom('artifacts')
    .select(['variant', 'path', 'bytes', 'sha256'])
    .where('run_id', '=', run)
    .orderBy(sql`rowid`)
    .execute()
}
