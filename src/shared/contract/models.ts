import { z } from 'zod'
import type { Inspection } from '../inspection'
import type { Discovery, FoundModel } from '../models'
import { call } from './call'
import { Id } from './ids'
import { forPurpose } from './purposes'

export interface ModelDetails {
  readonly model: FoundModel
  /** Null where not even the headers can be read; `failure` says why. */
  readonly inspection: Inspection | null
  readonly failure: string | null
}

export interface AddedModels {
  /** Ids of the checkpoints that the folder holds. */
  readonly ids: readonly string[]
  readonly folder: string
}

/** What a folder was before it was removed: added by hand, or searched by the settings. */
export interface RemovedFolder {
  readonly folder: string
  readonly addedAtMs: number | null
  readonly searched: boolean
}

const Folder = z.string().min(1).max(4096)
export const modelCalls = {
  /** What the last search found; searches when there was none since the start. */
  'models.list': call<Discovery>()(z.strictObject({})),
  /** Searches again. */
  'models.scan': call<Discovery>()(z.strictObject({})),
  /** Everything known of one checkpoint of the list. */
  'models.get': call<ModelDetails>()(z.strictObject({ id: Id })),
  /** Adds a folder that the person gave to those that are searched. */
  'models.add': call<AddedModels>()(z.strictObject({ folder: Folder }), {
    paths: ({ folder }) => forPurpose('readModel', [folder])
  }),
  /** Searches a folder no more; its files are not touched. */
  'models.remove': call<RemovedFolder>()(z.strictObject({ folder: Folder })),
  /** Undoes that. */
  'models.restore': call<void>()(
    z.strictObject({ folder: Folder, addedAtMs: z.number().nullable(), searched: z.boolean() }),
    { paths: ({ folder }) => forPurpose('readModel', [folder]) }
  )
} as const
