import { z } from 'zod'
import { RUN_FILES } from '../../shared/runFolder'

/*
 * A run bundle is a tar archive of plain files:
 *
 *   quail-bundle.json                     BundleManifest, always the first
 *   run/run.json, run/journal.jsonl, run/result.json
 *   run/rows.json                         losses of each row, where the run measured perplexity
 *   run/labels.json                       its name, notes and tags, where a person gave it any
 *   run/inputs/*                          samples of the stored calibration sets that the run used
 *   run/factors/*                         lora_A and lora_B of each block; only on request
 *   adapters/<variant>/*                  the files of each adapter
 */

export const MANIFEST_NAME = 'quail-bundle.json'
export const RUN_PREFIX = 'run/'
export const ADAPTERS_PREFIX = 'adapters/'

export const BundleManifest = z.strictObject({
  format: z.literal('quail-bundle'),
  version: z.literal(1),
  run: z.string().min(1),
  quailVersion: z.string(),
  files: z.array(
    z.strictObject({ name: z.string().min(1), bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
  )
})
export type BundleManifest = z.infer<typeof BundleManifest>
export type BundleFile = BundleManifest['files'][number]

/** Files of a run folder that every bundle holds. */
export const REQUIRED = [RUN_FILES.record, RUN_FILES.journal, RUN_FILES.outcome].map((name) => `${RUN_PREFIX}${name}`)

/** And those that it holds where the run has them. */
export const OPTIONAL = [RUN_FILES.rows, RUN_FILES.labels]

const SEGMENT = String.raw`(?!\.{1,2}$)[\p{L}\p{N}\p{M}._-]+`
const PLACES = [
  new RegExp(`^run/(${RUN_FILES.inputs}|${RUN_FILES.factors})/${SEGMENT}$`, 'u'),
  /^adapters\/[A-Za-z0-9][A-Za-z0-9._-]*\/(adapter_config\.json|adapter_model\.safetensors|quail\.json|README\.md)$/
]

/** Whether a file of this name has a place in a bundle: no absolute path, no "..", nothing that is not listed above. */
export const hasPlace = (name: string): boolean =>
  [...REQUIRED, ...OPTIONAL.map((file) => `${RUN_PREFIX}${file}`)].includes(name) ||
  PLACES.some((place) => place.test(name))

/** A run has a few files for each block and variant; this stops an archive of millions of empty ones. */
export const MAX_BUNDLE_FILES = 100_000
/** Above the manifest of the most files, with long names. */
export const MAX_MANIFEST_BYTES = 2 ** 26
/** What lies beside the folders of a run is read as one text each. */
export const MAX_TEXT_BYTES = 2 ** 28
