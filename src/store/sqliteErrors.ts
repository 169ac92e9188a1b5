import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../shared/errors'

const REBUILD_HINT = 'rebuild it from the run folders with `quail runs rebuild`, which keeps the old file beside it'

/** The error for a database that SQLite cannot read any more; says how to get the runs back. */
export const damagedDatabase = (file: string, detail: string, cause?: unknown): AppError =>
  new AppError('STORE', `${file} is damaged (${detail}); ${REBUILD_HINT}`, { cause })

/**
 * Gives SQLite's failures that a user can do something about a sentence; anything else (a broken constraint, a wrong
 * statement) is a defect of ours and passes unchanged.
 */
export function describeSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const say = (code: 'STORE' | 'IO', sentence: string) => new AppError(code, `${file}${sentence}`, { cause: error })
  switch (error.code) {
    case 'SQLITE_CORRUPT':
    case 'SQLITE_NOTADB':
      return damagedDatabase(file, error.message, error)
    case 'SQLITE_BUSY':
      return say('STORE', ' is held by another process for more than 5 seconds; wait for it to finish and try again')
    case 'SQLITE_FULL':
      return say('IO', ': the disk is full')
    case 'SQLITE_READONLY':
      return say('IO', ': permission denied (the database can only be read)')
    case 'SQLITE_CANTOPEN':
      return say('IO', ': the database cannot be opened; a readable and writable file, or a place for one, is needed')
    case 'SQLITE_IOERR':
      return say('IO', isFull(dirname(file)) ? ': the disk is full' : ': the device reported a read or write error')
    default:
      return error
  }
}

/** What SQLite needs beside the database before it reads anything: the index of its log. */
const INDEX_BYTES = 32 * 1024

/** Whether a disk has no room for what SQLite makes as it opens a database: it calls that an error of the device. */
function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize < INDEX_BYTES
  } catch {
    return false
  }
}

/** Whether another connection's lock was in the way. */
export const isBusy = (error: unknown): boolean =>
  error instanceof AppError && (error.cause as { code?: string } | undefined)?.code === 'SQLITE_BUSY'
