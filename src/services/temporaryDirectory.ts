import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileError } from '../engine/formats/files'
import { AppError } from '../shared/errors'
import { ownPrefix, sweepFolders } from './ownFolders'

const KIND = 'quail-work-'

let swept: Promise<void> | undefined

/** Gives `work` a directory that is removed afterwards, also when the work fails; by the next process, when this one is killed. */
export async function withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  swept ??= sweepFolders(tmpdir(), KIND)
  await swept
  const directory = await mkdtemp(join(tmpdir(), ownPrefix(KIND))).catch((error: unknown) => {
    const why = fileError(error, tmpdir()).message
    throw new AppError('IO', `no temporary files can be made in ${why}; set TMPDIR to another directory`, {
      cause: error
    })
  })
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
