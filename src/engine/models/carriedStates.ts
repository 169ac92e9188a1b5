import type { GraphBuilder, Value } from '../graph/graphBuilder'

/** What blocks hand on beside the hidden state. */
export interface CarriedLayout {
  readonly hiddenSize: number
  readonly blocks: number
  /** Width of the input that each block has of its own; 0 where none has. */
  readonly inputSize: number
  /** Width of keys, and of values, that later blocks take over, by what those ask for. */
  readonly shared: ReadonlyMap<string, number>
}

/** [tokens, width] each, the keys not yet rotated. */
export interface KeysAndValues {
  readonly k: Value
  readonly v: Value
}

/** A state in its parts. */
export interface CarriedState {
  readonly hidden: Value
  /** The inputs of this block and of those behind it, then of those before it. */
  readonly inputs: readonly Value[]
  readonly shared: ReadonlyMap<string, KeysAndValues>
}

/**
 * States [tokens, hiddenSize + carriedSize] of a model in which blocks read more than the hidden state. Behind it stand the
 * inputs of all blocks, in a queue of which each block takes the first and puts it behind the last, so that blocks of a kind
 * are the same graph; then keys and values, zero until a block gives them.
 */
export class CarriedStates {
  /** Widths of the parts of the queue: the first input, and the others. */
  readonly #queue: readonly number[]
  readonly carriedSize: number

  constructor(private readonly layout: CarriedLayout) {
    const { blocks, inputSize } = layout
    this.#queue = [inputSize, (blocks - 1) * inputSize].filter((size) => size > 0)
    this.carriedSize = [...this.#queue, ...this.#pairs()].reduce((sum, size) => sum + size, 0)
  }

  /** @param inputs - of all blocks, in their order */
  first(graph: GraphBuilder, hidden: Value, inputs: Value | undefined): Value {
    const { shared } = this.layout
    const width = 2 * [...shared.values()].reduce((sum, size) => sum + size, 0)
    const zero = graph.mul(graph.slice(hidden, 1, 0, 1), graph.scalar(0))
    const none = width === 0 ? [] : [graph.mul(zero, graph.floats(new Float32Array(width), [1, width]))]
    return joined(graph, [hidden, ...(inputs === undefined ? [] : [inputs]), ...none])
  }

  read(graph: GraphBuilder, state: Value): CarriedState {
    const sizes = [this.layout.hiddenSize, ...this.#queue, ...this.#pairs()]
    const [hidden, ...parts] = (sizes.length === 1 ? [state] : graph.split(state, 1, sizes)) as [Value, ...Value[]]
    const inputs = parts.splice(0, this.#queue.length)
    const pairs = [...this.layout.shared.keys()].map((key, i): [string, KeysAndValues] => [
      key,
      { k: parts[2 * i] as Value, v: parts[2 * i + 1] as Value }
    ])
    return { hidden, inputs, shared: new Map(pairs) }
  }

  /** The state for the next block. */
  write(graph: GraphBuilder, { hidden, inputs: [first, ...others], shared }: CarriedState): Value {
    const pairs = [...shared.values()].flatMap(({ k, v }) => [k, v])
    return joined(graph, [hidden, ...others, ...(first === undefined ? [] : [first]), ...pairs])
  }

  #pairs(): number[] {
    return [...this.layout.shared.values()].flatMap((width) => [width, width])
  }
}

const joined = (graph: GraphBuilder, parts: readonly Value[]): Value =>
  parts.length === 1 ? (parts[0] as Value) : graph.concat(parts, 1)
