import { z } from 'zod'
import { CalibrateOn, FirstToken, Policy } from '../recipe'
import { type BadRow, HoldOut, type SampleInspection, SampleShape, Sampling, type SetKind, Split } from '../samples'
import type { TokenPreview } from '../tokenPreview'
import { call } from './call'
import type { Deleted } from './deletions'
import { forPurpose } from './purposes'

/** A stored set without its texts. */
export interface CalibrationSetEntry {
  readonly name: string
  readonly kind: SetKind
  readonly policy: Policy
  readonly samples: number
  readonly characters: number
  readonly importedAtMs: number
  readonly sourceName: string
}

export interface CalibrationSetDetail extends CalibrationSetEntry {
  readonly sourcePath: string
  readonly sourceSha256: string
  readonly contentSha256: string
  /** Of the file that it came from: `Parquet`; null for sets of older versions. */
  readonly format: string | null
  readonly split: Split | null
  readonly shape: SampleShape | null
  readonly sampling: (Sampling & { readonly available: number }) | null
  /** Of which set it is a part, and which; null for a set that stands for itself. */
  readonly heldOut: (HoldOut & { readonly from: string; readonly part: 'calibration' | 'evaluation' }) | null
  /** Rows of the file that were left out: how many, and the first of them. */
  readonly badRows: number
  readonly badRowList: readonly BadRow[]
  /** What of the rows that were used was left out, a sentence each. */
  readonly notes: readonly string[]
}

export interface StoredSample {
  /** From 0. */
  readonly position: number
  /** Conversations as JSON. */
  readonly text: string
}

/** What the beginning of a file shows, and what the set may be called. */
export interface ImportPreview extends SampleInspection {
  /** A name for the set that is free. */
  readonly suggestedName: string
}

export interface ImportResult {
  readonly name: string
  readonly samples: number
  readonly badRows: number
}

export interface HeldOutSets {
  readonly calibration: CalibrationSetEntry
  readonly evaluation: CalibrationSetEntry
}

const Path = z.string().min(1).max(4096)
/** A set is called as its file where nobody says otherwise, and a part of it has more behind. */
const Name = z.string().min(1).max(1000)
const reading = { file: Path, split: Split.optional(), shape: SampleShape.optional() }

export const calibrationCalls = {
  'calibration.list': call<CalibrationSetEntry[]>()(z.strictObject({})),
  'calibration.get': call<CalibrationSetDetail>()(z.strictObject({ name: Name })),
  'calibration.samples': call<StoredSample[]>()(
    z.strictObject({
      name: Name,
      after: z.int().min(-1).default(-1),
      limit: z.int().min(1).max(200).default(50)
    })
  ),
  /** Looks at the first rows of a file. */
  'calibration.inspect': call<ImportPreview>()(z.strictObject(reading), {
    paths: ({ file }) => forPurpose('readText', [file])
  }),
  /** Stores a file's samples, all of them or, when anything fails, none. */
  'calibration.import': call<ImportResult>()(
    z.strictObject({ ...reading, name: Name, sampling: Sampling.optional() }),
    { paths: ({ file }) => forPurpose('readText', [file]) }
  ),
  /** One row as a run on this model would use it. */
  'calibration.preview': call<TokenPreview>()(
    z.strictObject({
      name: Name,
      model: Path,
      policy: Policy,
      context: z.int().min(2).max(65_536),
      calibrateOn: CalibrateOn.optional(),
      firstToken: FirstToken.optional(),
      rows: z.int().min(1).max(100_000),
      row: z.int().min(0).max(100_000)
    }),
    { paths: ({ model }) => forPurpose('readModel', [model]) }
  ),
  /** Parts a set in two that share no sample, one of them for evaluation; the set itself stays. */
  'calibration.holdOut': call<HeldOutSets>()(HoldOut.extend({ name: Name })),
  'calibration.delete': call<Deleted>()(z.strictObject({ names: z.array(Name).min(1).max(1000) }))
} as const
