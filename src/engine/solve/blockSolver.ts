import type { BaseWeight } from '../base/baseWeight'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { stopHere } from '../graph/stopHere'
import { type Sharing, sharingMoments } from '../methods/sharedMoments'
import { type LinearTask, type SolvedLinear, type SolveOptions, solveLinear } from './solveLinear'

/** One linear under one quantizer, to be solved. */
export interface LinearJob extends Omit<SolveOptions, 'base'> {
  readonly task: LinearTask
  /** Reads the codes out of a pre-quantized checkpoint, where there is one. */
  readonly readBase?: (() => Promise<BaseWeight>) | undefined
}

/** Where the linears of a block are solved. What comes out has the same bits everywhere. */
export interface BlockSolver {
  /**
   * Solves linears; results come in the order of the jobs.
   *
   * @param sharing - where the jobs' second moments lie on a device, if others follow that take them
   * @throws {AppError} what the first job that fails throws, the signal's reason when it is cancelled; nothing is under way then
   */
  solve(jobs: readonly LinearJob[], signal: AbortSignal, sharing?: Sharing): AsyncGenerator<SolvedLinear, void>
  close(): Promise<void>
}

/** Solves one linear after the other on this thread. */
export class OwnThread implements BlockSolver {
  constructor(private readonly algebra: LinearAlgebra) {}

  async *solve(jobs: readonly LinearJob[], signal: AbortSignal, sharing?: Sharing): AsyncGenerator<SolvedLinear, void> {
    const solve = async ({ task, readBase, ...options }: LinearJob): Promise<SolvedLinear> => {
      await stopHere(signal)
      const base = await readBase?.()
      return solveLinear(this.algebra, task, { ...options, base })
    }
    yield* sharingMoments(this.algebra, jobs, ({ task }) => task.moment, solve, sharing)
  }

  async close(): Promise<void> {
    await this.algebra.release()
  }
}
