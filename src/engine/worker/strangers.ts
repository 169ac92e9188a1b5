import type { EngineMethod } from '../../shared/engineApi'
import type { Recipe } from '../../shared/recipe'
import type { InputOf } from './protocol'
import { readRecord } from './runRecord'

/*
 * Which directories a request opens that a stranger may have written. Whoever computes cannot be stopped while it reads, so
 * these are opened first by threads that can be.
 */

type Named = { readonly [M in EngineMethod]?: (input: InputOf<M>) => Promise<string[]> | string[] }

const OPENED: Named = {
  run: async ({ folder }) => ofRecipe((await readRecord(folder)).recipe),
  plan: ({ recipe }) => ofRecipe(recipe),
  preflight: ({ recipe }) => ofRecipe(recipe),
  verify: ({ adapter, model, from }) => present(adapter, model, from),
  exportBase: ({ model }) => [model]
}

/** Checkpoints and adapters that a request opens before it computes; none where it cannot be told. */
export async function openedBy<M extends EngineMethod>(method: M, input: InputOf<M>): Promise<string[]> {
  const paths = OPENED[method]
  if (paths === undefined) return []
  try {
    return await paths(input)
  } catch {
    return [] // an unreadable record is for the run to report
  }
}

const ofRecipe = ({ model, base }: Pick<Recipe, 'model' | 'base'>): string[] => present(model, base)

const present = (...paths: (string | undefined)[]): string[] => paths.filter((path) => path !== undefined)
