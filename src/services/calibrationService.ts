import { basename, extname } from 'node:path'
import { AppError, badInput } from '../shared/errors'
import type { BadRow, SetKind } from '../shared/samples'
import { type CalibrationSet, importRead, type SetDetails } from '../store/calibrationSets'
import type { Store } from '../store/schema'
import { unpackedName } from './samples/packedFile'
import type { SampleFile, SampleOptions } from './samples/readSamples'
import { readSamplesApart } from './samples/sampleThread'

export interface ImportRequest extends SampleOptions {
  readonly file: string
  /** The built main of the thread that reads it. */
  readonly thread: URL
  /** Default: the file's name without its ending. */
  readonly name?: string | undefined
}

export interface ImportReport {
  readonly set: CalibrationSet
  /** Rows that hold no sample and were left out. */
  readonly badRows: readonly BadRow[]
  /** What of the rows that were used is left out, a sentence each. */
  readonly notes: readonly string[]
}

const SET_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u
/** Bad rows that are kept with the set by number; all are counted. */
const BAD_ROWS_KEPT = 200

/**
 * Stores the samples of a file as a calibration set; see samples/registry.ts for the formats.
 *
 * A text kept whole is meant for packed rows; samples of a paragraph, a line or a row for padded rows, one each.
 * Conversations are stored as they are: each model renders them by its own template.
 *
 * @throws {AppError} BAD_INPUT when the file or the name cannot be used; CANCELLED when the signal aborts
 */
export async function importCalibration(
  store: Store,
  { file, thread, name, ...options }: ImportRequest
): Promise<ImportReport> {
  const setName = checkName(name ?? defaultName(file))
  let read: Omit<SampleFile, 'samples'> | undefined
  async function* samples(): AsyncGenerator<string> {
    read = yield* readSamplesApart(thread, file, options)
  }
  const found = (): Omit<SampleFile, 'samples'> => {
    if (read === undefined) throw new AppError('INTERNAL', `${file} was not read to its end`)
    return read
  }
  const set = await importRead(store, setName, samples(), () => detailsOf(found(), options))
  const { badRows, notes } = found()
  return { set, badRows, notes }
}

function detailsOf(read: Omit<SampleFile, 'samples'>, { sampling }: SampleOptions): SetDetails {
  const { format, kind, split, shape, available, badRows, notes, path, sha256 } = read
  return {
    policy: split === 'document' ? 'packed' : 'padded',
    hints: {
      format,
      kind,
      ...(split && { split }),
      ...(shape && { shape }),
      ...(sampling && { sampling: { ...sampling, available } }),
      badRows: badRows.length,
      badRowList: badRows.slice(0, BAD_ROWS_KEPT),
      ...(notes.length > 0 && { notes })
    },
    source: { path, sha256 }
  }
}

/** What the samples of a stored set are; sets of older versions are text. */
export const setKindOf = ({ hints }: Pick<CalibrationSet, 'hints'>): SetKind =>
  hints.kind === 'messages' ? 'messages' : 'text'

/** Characters of a file's name that are enough to tell its set by. */
const MAX_DEFAULT_NAME = 100

/** A name for a set of this file. */
export const defaultName = (file: string): string =>
  basename(unpackedName(file), extname(unpackedName(file)))
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[._-]+/, '')
    .slice(0, MAX_DEFAULT_NAME)

function checkName(name: string): string {
  if (SET_NAME.test(name)) return name
  throw badInput(`"${name}" is no name for a calibration set; letters, digits, dot, underscore and hyphen are accepted`)
}
