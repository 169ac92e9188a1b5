import { AppError } from '../../shared/errors'

/**
 * The value, or undefined and a sentence more in the list of problems.
 *
 * @throws what is not an AppError: a defect is no property of the checkpoint
 */
export async function collectProblem<T>(problems: string[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    problems.push(error.message)
    return undefined
  }
}
