import type { Recipe } from '../../shared/recipe'
import { LinearAlgebra } from '../graph/linearAlgebra'
import type { PreparedLinear } from '../models/modelLinears'
import { type BlockSolver, OwnThread } from './blockSolver'
import { SolverThreads } from './solverThreads'
import { linearsAtATime, threadsOfEach } from './threadCount'

interface Solved {
  readonly linears: readonly PreparedLinear[]
  readonly recipe: Pick<Recipe, 'device' | 'memoryBudget'>
}

/**
 * The solver of a run: threads of its own where several linears can be solved at a time, else this thread.
 *
 * @param url - main of such a thread; left out, there are none
 */
export function blockSolver({ linears, recipe: { device, memoryBudget } }: Solved, url?: URL): BlockSolver {
  const count = url === undefined ? 1 : linearsAtATime(linears, device, memoryBudget)
  if (url === undefined || count === 1) return new OwnThread(new LinearAlgebra(device))
  return new SolverThreads(url, count, threadsOfEach(count))
}
