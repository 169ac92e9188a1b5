import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { type AppError, badFormat } from '../../shared/errors'

/*
 * What a checkout without Git LFS, or a download of the raw text, leaves in place of a large file:
 *
 *   version https://…/spec/v1
 *   oid sha256:4d7a…
 *   size 4976698672
 *
 * Source: the specification of pointers in git-lfs 3.7.
 */

/** A pointer is shorter than this, by its specification. */
const MAX_POINTER_BYTES = 1024

const POINTER = /^version https?:\/\/\S+\n(?:ext-\S+ \S+\n)*oid sha256:[0-9a-f]{64}\nsize (\d+)\r?\n?$/

/** The error for content that is a pointer; undefined for any other. */
function pointerError(content: Uint8Array, path: string): AppError | undefined {
  const [, size] = POINTER.exec(Buffer.from(content).toString('latin1').replaceAll('\r\n', '\n')) ?? []
  if (size === undefined) return undefined
  const needed = 'run "git lfs pull" in its folder, or download the file again'
  return badFormat(
    `${path} is a Git LFS pointer of ${content.length} bytes, not the file of ${size} bytes that it stands for: ${needed}`
  )
}

/** @throws {AppError} BAD_FORMAT for the content of a Git LFS pointer, with what to do */
export function refuseLfsPointer(content: Uint8Array, path: string): void {
  const error = content.length < MAX_POINTER_BYTES ? pointerError(content, path) : undefined
  if (error !== undefined) throw error
}

/** `refuseLfsPointer` for an open file, of which only a short one is read. */
export async function refuseOpenLfsPointer(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat()
  if (size >= MAX_POINTER_BYTES) return
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
  refuseLfsPointer(buffer.subarray(0, bytesRead), path)
}

/** `refuseLfsPointer` for a file by its path. */
export async function refuseLfsPointerAt(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await refuseOpenLfsPointer(file, path)
  } finally {
    await file.close()
  }
}
