import type { InputRounding } from '../graph/inputRounding'
import type { BlockWeights } from './blockWeights'
import type { BlockGraph } from './modelGraphs'

/** Graphs of blocks by all that decides them, so that new adapters in the place of others need no new graph. */
export class FormCache {
  readonly #graphs = new Map<InputRounding | undefined, Map<string, BlockGraph>>()

  of(index: number, { adapters, roundInputs }: BlockWeights, build: () => BlockGraph): BlockGraph {
    const graphs = this.#graphs.get(roundInputs) ?? new Map<string, BlockGraph>()
    this.#graphs.set(roundInputs, graphs)
    const key = [index, ...(adapters?.keys() ?? [])].join(' ')
    const graph = graphs.get(key) ?? build()
    graphs.set(key, graph)
    return graph
  }
}
