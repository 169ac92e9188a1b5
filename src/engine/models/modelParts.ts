import { type ModelArchitecture, stateSize } from './architecture'
import type { ExpertsSpec } from './experts'
import { LayerBuilder, type LinearSpec, type ParameterSpec } from './layerBuilder'
import { storedShape } from './modelWeights'

/** What one block consists of. */
interface BlockParts {
  /** In order of execution. */
  readonly linears: readonly LinearSpec[]
  /** Everything else that it reads: norms, biases. */
  readonly parameters: readonly ParameterSpec[]
  /** Features of each distinct input of the linears. */
  readonly inputs: readonly number[]
  readonly experts: ExpertsSpec | undefined
  /** Linears in front of experts that the block goes on with: they are computed twice. */
  readonly leading: readonly LinearSpec[]
  readonly attentionHeads: number
  readonly scratch: readonly number[]
  readonly remembered: readonly number[]
}

/** What the blocks of a model consist of, from its architecture alone: nothing is compiled and no device is touched. */
export class ModelParts {
  readonly #blocks = new Map<number, BlockParts>()

  constructor(readonly architecture: ModelArchitecture) {}

  /** Tokens in a row of the graphs that are described here; their tensors are the same at any length. */
  get context(): number {
    return Math.min(2, this.architecture.contextLimit)
  }

  /** The linears of a block, in order of execution. */
  linears(index: number): readonly LinearSpec[] {
    return this.#block(index).linears
  }

  /** What a block reads beside the weights of its linears. */
  parameters(index: number): readonly ParameterSpec[] {
    return this.#block(index).parameters
  }

  /** Features of each distinct input of the block's linears. */
  inputs(index: number): readonly number[] {
    return this.#block(index).inputs
  }

  /** The experts of a block, where it has some. */
  experts(index: number): ExpertsSpec | undefined {
    return this.#block(index).experts
  }

  /** Its linears that are computed twice, as they stand in front of experts that the block goes on with. */
  leading(index: number): readonly LinearSpec[] {
    return this.#block(index).leading
  }

  /** Heads of the block's attention over all tokens of a row; 0 without one. */
  attentionHeads(index: number): number {
    return this.#block(index).attentionHeads
  }

  /** Values of each token that the block's mixer works with, in pieces, where it is none of attention. */
  scratch(index: number): readonly number[] {
    return this.#block(index).scratch
  }

  /** Values of each token that a gradient keeps of such a mixer, in pieces. */
  remembered(index: number): readonly number[] {
    return this.#block(index).remembered
  }

  /** Every tensor that a block reads other than its experts, by name relative to the block, shaped as checkpoints store it. */
  tensors(index: number): readonly { readonly name: string; readonly shape: readonly number[] }[] {
    const { linears, parameters } = this.#block(index)
    const weights = linears.map((linear) => ({ name: `${linear.name}.weight`, shape: storedShape(linear) }))
    return [...weights, ...parameters]
  }

  #block(index: number): BlockParts {
    const known = this.#blocks.get(index)
    if (known !== undefined) return known
    const layer = new LayerBuilder(this.context)
    const hidden = layer.graph.input('hidden', ['tokens', stateSize(this.architecture)])
    this.architecture.buildBlock(layer, hidden, index)
    const { linears, parameters, attentionHeads, scratch, remembered } = layer
    const block = {
      linears,
      parameters,
      inputs: layer.inputs.map((input) => input.features),
      experts: layer.experts?.spec,
      leading: leadingLinears(layer),
      attentionHeads,
      scratch,
      remembered
    }
    this.#blocks.set(index, block)
    return block
  }
}

function leadingLinears({ graph, linears, outputs, experts }: LayerBuilder): readonly LinearSpec[] {
  if (experts?.sum === undefined) return []
  const needed = graph.needs([experts.input, experts.routing])
  return linears.filter((_, i) => needed.has(outputs[i]?.value as string))
}
