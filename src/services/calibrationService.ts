import { basename, extname } from 'node:path'
import { badInput } from '../shared/errors'
import { type CalibrationSet, importSet } from '../store/calibrationSets'
import type { Store } from '../store/schema'
import { type BadRow, readSampleFile, type Split } from './sampleFiles'

export interface ImportRequest {
  readonly file: string
  /** Default: the file's name without its ending. */
  readonly name?: string | undefined
  /** How plain text is cut; default: the whole file is one sample. */
  readonly split?: Split | undefined
}

export interface ImportReport {
  readonly set: CalibrationSet
  /** Rows that hold no sample and were left out. */
  readonly badRows: readonly BadRow[]
}

const SET_NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u

/**
 * Stores the samples of a .txt or .jsonl file as a calibration set.
 *
 * A text kept whole is meant for packed rows; samples of a paragraph or a line for padded rows, one each.
 *
 * @throws {AppError} BAD_INPUT when the file or the name cannot be used
 */
export async function importCalibration(store: Store, { file, name, split }: ImportRequest): Promise<ImportReport> {
  const read = await readSampleFile(file, split)
  const set = await importSet(store, {
    name: checkName(name ?? defaultName(file)),
    policy: read.split === 'document' ? 'packed' : 'padded',
    hints: { split: read.split, badRows: read.badRows.length },
    source: { path: read.path, sha256: read.sha256 },
    samples: read.samples
  })
  return { set, badRows: read.badRows }
}

const defaultName = (file: string): string =>
  basename(file, extname(file))
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[._-]+/, '')

function checkName(name: string): string {
  if (SET_NAME.test(name)) return name
  throw badInput(`"${name}" is no name for a calibration set; letters, digits, dot, underscore and hyphen are accepted`)
}
