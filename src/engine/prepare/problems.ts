import { AppError, badInput } from '../../shared/errors'
import type { Finding } from '../../shared/findings'

/** A fault that keeps the run from succeeding. */
export type Problem = Omit<Finding, 'severity'>

/** Receives each fault; it throws, or what can still be looked at is looked at. */
export type Report = (problem: Problem, error?: AppError) => void

/** For a run, and for whoever wants to know what a run would throw. */
export const throwProblem: Report = ({ message }, error) => {
  throw error ?? badInput(message)
}

/** What `read` gives, or undefined once its failure is reported. */
export async function attempt<T>(
  report: Report,
  problem: Omit<Problem, 'message'>,
  read: () => T | Promise<T>
): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    report({ ...problem, message: error.message }, error)
    return undefined
  }
}
