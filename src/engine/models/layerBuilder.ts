import { GraphBuilder, type Value } from '../graph/graphBuilder'
import type { InputRounding } from '../graph/inputRounding'
import { TENSOR_LIMIT_BYTES } from '../graph/session'
import type { ExpertsSpec } from './experts'

/** Name of the input with what experts in the midst of a block add. */
export const EXPERT_SUM = 'expertSum'

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
  /** Whether transformers keeps it in float32, whatever the dtype of the others. */
  readonly float32?: boolean
}

/** Experts as a block has them. */
interface BlockExperts {
  readonly spec: ExpertsSpec
  readonly input: Value
  readonly routing: Value
  /** What they add, where the block goes on with it; left out where that is all that the block lacks. */
  readonly sum?: Value
}

/** How the linears of a graph compute; without all this as in full precision, y = x Wᵀ + b. */
export interface LinearForm {
  /** What the linears of a quantized base make of their inputs. */
  readonly roundInputs?: InputRounding | undefined
  /** Names of the linears that have an adapter beside them; it takes the inputs as they are. */
  readonly adapted?: Pick<ReadonlySet<string>, 'has'> | undefined
}

/** What a graph computes of a layer: its output, or gradients, whose sums must not depend on how attention is parted. */
export type Purpose = 'forward' | 'gradients'

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
  /** What each linear of `linears` computes, before its adapter, and the bias in it. */
  readonly outputs: { readonly value: Value; readonly bias: Value | undefined }[] = []
  /** The experts of the block, what they are given, and the weights of their outputs. */
  experts: BlockExperts | undefined
  /** The matrices of adapters, as inputs of the graph. */
  readonly adapters: Value[] = []
  /** Heads of the attention that compares every token with every other; 0 without one. */
  attentionHeads = 0
  /** Values of each token that a mixer without attention works with beside inputs of linears, in pieces. */
  readonly scratch: number[] = []
  /** Values of each token that a gradient keeps of such a mixer until it comes back to them. */
  readonly remembered: number[] = []
  readonly #rounded = new Map<Value, Value>()
  #nameOf = (name: string): string => name
  #real: Value | undefined

  /**
   * @param context - tokens in a row; the hidden states are [rows · context, hidden]
   * @param tensorLimit - the largest tensor that the graph may make, bytes
   */
  constructor(
    readonly context: number,
    private readonly form: LinearForm = {},
    readonly purpose: Purpose = 'forward',
    readonly tensorLimit = TENSOR_LIMIT_BYTES
  ) {}

  /** Whether the graph has the input `real` [tokens, 1], 1 for tokens and 0 for pads. */
  get readsReal(): boolean {
    return this.#real !== undefined
  }

  /**
   * y = x Wᵀ (+ b) for x [tokens, in]. This is what gets quantized and adapted: with x̃ what the base's linear makes of x,
   * y = x̃ Qᵀ (+ b) + (x lora_Aᵀ) lora_Bᵀ, the scaling being a part of lora_B.
   */
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
    const bias = size.bias ? this.parameter(`${name}.bias`, [size.out]) : undefined
    const y = this.graph.gemm(this.#seen(x), weight, { transB: 1, ...(bias !== undefined && { bias }) })
    this.outputs.push({ value: y, bias })
    return this.form.adapted?.has(name) === true ? this.#adapted(name, x, y, size) : y
  }

  /** y = x Wᵀ for a linear outside the blocks, whose weight [out, in] is quantized but not adapted. */
  project(given: string, x: Value, inFeatures: number, outFeatures: number): Value {
    const shape = [outFeatures, inFeatures]
    const name = this.#nameOf(given)
    this.parameters.push({ name, shape, linear: true })
    return this.graph.gemm(this.#seen(x), this.graph.input(name, shape), { transB: 1 })
  }

  /** A tensor of the checkpoint that stays in full precision. */
  parameter(given: string, shape: readonly number[], options: Pick<ParameterSpec, 'float32'> = {}): Value {
    const name = this.#nameOf(given)
    this.parameters.push({ name, shape, ...options })
    return this.graph.input(name, shape)
  }

  /** Adds Σₑ wₑ · expertₑ(n) to the block's output, for the inputs n [tokens, hidden] and the weights w [tokens, count]. */
  addExperts(spec: ExpertsSpec, input: Value, routing: Value): void {
    this.experts = { spec, input, routing }
  }

  /** The same sum [tokens, hidden] in the midst of a block, which goes on with it: an input of the graph. */
  sumOfExperts(spec: ExpertsSpec, input: Value, routing: Value): Value {
    const sum = this.graph.input(EXPERT_SUM, ['tokens', spec.hiddenSize])
    this.experts = { spec, input, routing, sum }
    return sum
  }

  /** What `build` adds, with other names of its parameters: those of a model inside of another. */
  renamed(nameOf: (name: string) => string, build: () => Value): Value {
    const before = this.#nameOf
    this.#nameOf = nameOf
    try {
      return build()
    } finally {
      this.#nameOf = before
    }
  }

  /** x as the base's linears see it; linears with the same input share it. */
  #seen(x: Value): Value {
    const { roundInputs } = this.form
    if (roundInputs === undefined) return x
    const known = this.#rounded.get(x)
    if (known !== undefined) return known
    this.#real ??= this.graph.input('real', ['tokens', 1])
    const rounded = roundInputs(this.graph, x, this.#real)
    // bitsandbytes multiplies the output's gradient by Q and takes no notice of the rounding (MatMul8bitLt.backward).
    this.graph.passGradient(rounded, x)
    this.#rounded.set(x, rounded)
    return rounded
  }

  #adapted(name: string, x: Value, y: Value, size: { in: number; out: number }): Value {
    const rank = `${name}.rank`
    const A = this.graph.input(`${name}.lora_A`, [rank, size.in])
    const B = this.graph.input(`${name}.lora_B`, [size.out, rank])
    this.adapters.push(A, B)
    return this.graph.gemm(this.graph.gemm(x, A, { transB: 1 }), B, { transB: 1, bias: y })
  }

  #inputIndex(value: Value, features: number): number {
    const known = this.inputs.findIndex((input) => input.value === value)
    return known >= 0 ? known : this.inputs.push({ value, features }) - 1
  }
}
