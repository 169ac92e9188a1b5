import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import { RUN_FILES, RunRecord } from '../../shared/runFolder'

/**
 * What a run was asked to do.
 *
 * @throws {AppError} BAD_FORMAT for a record that was damaged
 */
export async function readRecord(folder: string): Promise<RunRecord> {
  const path = join(folder, RUN_FILES.record)
  const parsed = RunRecord.safeParse(parseJson(await readFile(path, 'utf8'), path))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AppError('BAD_FORMAT', `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a run record'}`)
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('BAD_FORMAT', `${path}: not valid JSON`)
  }
}
