import { inTransaction } from './database'
import type { Store } from './schema'

/** What is known of a checkpoint; facts that nobody has read yet are null. */
export interface Model {
  readonly directory: string
  readonly family: string | null
  readonly parameters: number | null
  /** SHA-256 of config.json. */
  readonly configSha256: string | null
  readonly lastUsedAtMs: number
  /** When the person added it; null for one that only a run brought along. */
  readonly addedAtMs: number | null
}

export type ModelFacts = Partial<Pick<Model, 'family' | 'parameters' | 'configSha256'>>

/** Notes that a checkpoint was used, adding the facts that are given to those known; returns the id of its row. */
export async function rememberModel(
  store: Store,
  directory: string,
  facts: ModelFacts = {},
  usedAtMs: number = Date.now()
): Promise<number> {
  const { id } = await store
    .insertInto('models')
    .values({
      directory,
      family: facts.family ?? null,
      parameters: facts.parameters ?? null,
      config_sha256: facts.configSha256 ?? null,
      last_used_at_ms: usedAtMs
    })
    .onConflict((conflict) =>
      conflict.column('directory').doUpdateSet(({ fn, ref }) => ({
        family: fn.coalesce('excluded.family', 'models.family'),
        parameters: fn.coalesce('excluded.parameters', 'models.parameters'),
        config_sha256: fn.coalesce('excluded.config_sha256', 'models.config_sha256'),
        last_used_at_ms: fn('max', [ref('excluded.last_used_at_ms'), ref('models.last_used_at_ms')])
      }))
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Every checkpoint that was used, the latest first. */
export function listModels(store: Store): Promise<Model[]> {
  return store
    .selectFrom('models')
    .select([
      'directory',
      'family',
      'parameters',
      'config_sha256 as configSha256',
      'last_used_at_ms as lastUsedAtMs',
      'added_at_ms as addedAtMs'
    ])
    .orderBy('last_used_at_ms', 'desc')
    .orderBy('directory')
    .execute()
}

/** Keeps a checkpoint's directory in the list of models, whether or not it was used. */
export async function addModel(store: Store, directory: string, addedAtMs: number = Date.now()): Promise<void> {
  await inTransaction(store, async (trx) => {
    const id = await rememberModel(trx, directory, {}, addedAtMs)
    await trx.updateTable('models').set({ added_at_ms: addedAtMs }).where('id', '=', id).execute()
  })
}

/** Takes a checkpoint out of the list of added models; what runs know of it stays, and its files are not touched. */
export async function removeModel(store: Store, directory: string): Promise<void> {
  await store.updateTable('models').set({ added_at_ms: null }).where('directory', '=', directory).execute()
}
