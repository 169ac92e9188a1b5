/** Where a checkpoint was found: the sample, a Hugging Face cache, or a folder that the person added. */
export type ModelSource = 'sample' | 'cache' | 'folder'

/**
 * `ready` can be prepared as far as config and headers tell; `incomplete` is a download or copy that misses files;
 * `unsupported` is everything else that is in the way, with the reason in `problems`.
 */
export type ModelStatus = 'ready' | 'incomplete' | 'unsupported'

/** A checkpoint in the list of models. */
export interface FoundModel {
  /** Made from the directory, so that it stays the same over scans and restarts. */
  readonly id: string
  readonly directory: string
  /** Without the organisation: `Llama-3.2-1B`. */
  readonly name: string
  /** `meta-llama`; null where nothing says it. */
  readonly organisation: string | null
  readonly source: ModelSource
  /** The cache or added folder that it was found in. */
  readonly foundIn: string
  /** Commit of a snapshot in a cache. */
  readonly revision: string | null
  /** Names of refs that point at the revision: `main`. */
  readonly refs: readonly string[]
  readonly modifiedAtMs: number | null
  readonly status: ModelStatus
  /** What `model_type` says, known to Quail or not. */
  readonly family: string | null
  readonly parameters: number | null
  readonly dtypes: readonly string[]
  /** It can render conversations. */
  readonly chatTemplate: boolean
  /** Of the weight files. */
  readonly bytes: number | null
  /** Why it is not ready, one sentence each. */
  readonly problems: readonly string[]
}

/** A place that was searched. */
export interface SearchedPlace {
  readonly path: string
  readonly source: ModelSource
  /** Checkpoints that lie there, also those that are found from another place, as the sample is. */
  readonly models: number
  /** Those of them that are found nowhere else: what the list loses without this place. */
  readonly onlyHere: number
  /** Why it could not be searched, or not to its end. */
  readonly problem: string | null
}

export interface Discovery {
  readonly models: readonly FoundModel[]
  readonly places: readonly SearchedPlace[]
  readonly scannedAtMs: number
}
