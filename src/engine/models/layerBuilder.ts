import { GraphBuilder, type Value } from '../graph/graphBuilder'

/** A linear of a block: y = x Wᵀ + b with W [out, in]. */
export interface LinearSpec {
  /** Relative to the block: `self_attn.q_proj`. */
  readonly name: string
  readonly inFeatures: number
  readonly outFeatures: number
  readonly bias: boolean
  /** The checkpoint holds Wᵀ [in, out] (GPT-2's Conv1D); everywhere else in Quail it is W. */
  readonly transposed: boolean
  /** Index of the distinct input that it reads; linears with equal `input` share H. */
  readonly input: number
}

/** A tensor that a graph takes beside the linears' weights: norms, biases. */
export interface ParameterSpec {
  readonly name: string
  readonly shape: readonly number[]
  /** The weight of a linear outside the blocks: the trainer's base quantizes it, no adapter corrects it. */
  readonly linear?: boolean
}

/**
 * Records what a layer is made of while its graph is built: a family describes each block once, and the names and
 * shapes of its tensors, its linears and their distinct inputs all follow from that one description.
 *
 * Weights are graph inputs, so one compiled graph serves every block of the same shape.
 */
export class LayerBuilder {
  readonly graph = new GraphBuilder()
  readonly linears: LinearSpec[] = []
  readonly parameters: ParameterSpec[] = []
  /** The distinct inputs of linears, [tokens, in], in order of first use. */
  readonly inputs: { readonly value: Value; readonly features: number }[] = []

  /** @param context - tokens in a row; the hidden states are [rows · context, hidden] */
  constructor(readonly context: number) {}

  /** y = x Wᵀ (+ b) for x [tokens, in]. This is what gets quantized and adapted. */
  linear(name: string, x: Value, size: { in: number; out: number; bias: boolean; transposed?: boolean }): Value {
    const weight = this.graph.input(`${name}.weight`, [size.out, size.in])
    this.linears.push({
      name,
      inFeatures: size.in,
      outFeatures: size.out,
      bias: size.bias,
      transposed: size.transposed ?? false,
      input: this.#inputIndex(x, size.in)
    })
    if (!size.bias) return this.graph.gemm(x, weight, { transB: 1 })
    return this.graph.gemm(x, weight, { transB: 1, bias: this.parameter(`${name}.bias`, [size.out]) })
  }

  /** y = x Wᵀ for a linear outside the blocks, whose weight [out, in] is quantized but not adapted. */
  project(name: string, x: Value, inFeatures: number, outFeatures: number): Value {
    const shape = [outFeatures, inFeatures]
    this.parameters.push({ name, shape, linear: true })
    return this.graph.gemm(x, this.graph.input(name, shape), { transB: 1 })
  }

  /** A tensor of the checkpoint that stays in full precision. */
  parameter(name: string, shape: readonly number[]): Value {
    this.parameters.push({ name, shape })
    return this.graph.input(name, shape)
  }

  #inputIndex(value: Value, features: number): number {
    const known = this.inputs.findIndex((input) => input.value === value)
    return known >= 0 ? known : this.inputs.push({ value, features }) - 1
  }
}
