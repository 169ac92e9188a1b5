/** What kind of thing went wrong; callers branch on it, people never see it alone. */
export type ErrorCode =
  | 'BAD_INPUT' // an option, a recipe or a file that the user gave cannot be used
  | 'BAD_FORMAT' // a file is damaged, or is not what it says it is
  | 'NUMERICS' // a value that no computation can continue with (NaN, infinity)
  | 'IO' // the disk or the memory is full, a file cannot be read or written
  | 'DEVICE' // an execution provider is missing or failed
  | 'LOCKED' // another process works on the same run
  | 'CANCELLED' // the user stopped it
  | 'STORE' // the database
  | 'INTERNAL' // a defect of Quail

/** Every expected failure is one of these: a sentence that says what was found, where, and what is accepted. */
export class AppError extends Error {
  override readonly name = 'AppError'
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}

export const badInput = (message: string): AppError => new AppError('BAD_INPUT', message)
export const badFormat = (message: string): AppError => new AppError('BAD_FORMAT', message)

/** An error as it crosses threads and processes, where class and stack are lost. */
export interface SerializedError {
  readonly code: ErrorCode
  readonly message: string
  readonly stack?: string | undefined
}

/**
 * Turns anything thrown into its portable form.
 *
 * Failures of the operating system are named IO, with "disk full" and "memory full" said in words; everything else that is
 * not an AppError is INTERNAL and keeps its stack, because somebody will have to look for it.
 */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof AppError) return { code: error.code, message: error.message }
  if (error instanceof Error && error.name === 'AbortError') return { code: 'CANCELLED', message: 'cancelled' }
  if (isSystemError(error)) return { code: 'IO', message: describeSystemError(error) }
  if (isOutOfMemory(error)) return { code: 'IO', message: MEMORY_FULL }
  if (error instanceof Error) return { code: 'INTERNAL', message: error.message, stack: error.stack }
  return { code: 'INTERNAL', message: String(error) }
}

export const deserializeError = (error: SerializedError): AppError => {
  const rebuilt = new AppError(error.code, error.message)
  if (error.stack !== undefined) rebuilt.stack = error.stack
  return rebuilt
}

/** What V8 says where the system has no memory for an array. */
const isOutOfMemory = (error: unknown): boolean =>
  error instanceof RangeError && error.message === 'Array buffer allocation failed'

const MEMORY_FULL =
  'the memory is full: close other programs, give a smaller memory budget, or take a machine with as much as the plan says'

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or directory',
  EISDIR: 'is a directory, a file was expected',
  ENOTDIR: 'is not a directory',
  EIO: 'the device reported a read or write error',
  EMFILE: 'too many open files',
  ELOOP: 'links that lead to one another',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'the file is larger than the file system takes'
}

const describeSystemError = (error: SystemError): string =>
  `${error.path ?? error.syscall}: ${SYSTEM_ERRORS[error.code] ?? error.message}`

/** Closes a switch over a union: a new member does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new AppError('INTERNAL', `unexpected value ${JSON.stringify(value)}`)
}
