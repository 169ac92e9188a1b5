import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import type { ModelArchitecture } from './architecture'
import { gatedExperts } from './experts'
import type { LayerBuilder } from './layerBuilder'
import { gatedMlp } from './mlp'
import { addRoutedExperts, expertsNote, sharedExpert } from './routedExperts'

/** Experts whose scores and a bias decide which are chosen, with an MLP for every token beside them. */
export interface BiasedExperts {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  /** Of the MLPs of layers without experts. */
  readonly intermediate_size: number
  /** Of an expert. */
  readonly wide: number
  readonly count: number
  readonly perToken: number
  /** Experts that every token has, in one MLP. */
  readonly shared: number
  /** Whether the weights of the chosen experts add up to 1, and their factor. */
  readonly normed: boolean
  readonly scale: number
  /** Which layers have experts; the others have an MLP. */
  readonly sparse: readonly boolean[]
  /** Name of the bias in files; a part of the router when left out. */
  readonly bias?: string
  readonly quantizedIn4: boolean
}

/** Added to the sum that routing weights are divided by. */
const EPSILON = 1e-20

/**
 * What follows the second norm of each layer, and what the architecture says of it:
 *
 *     shared(n) + Σₑ wₑ · expertₑ(n), w = the top k of sigmoid(gate(n)) + b, without b, normed or not, times a factor
 *
 * Source: transformers modeling_deepseek_v3, and others that have its experts, with one group of them.
 */
export function biasedExperts(options: BiasedExperts): {
  readonly feedForward: (layer: LayerBuilder, n: Value, index: number) => Value
  readonly note: Pick<ModelArchitecture, 'experts'>
} {
  const { count, perToken, wide, normed, scale, sparse, quantizedIn4 } = options
  const { bias: biasName = 'mlp.gate.e_score_correction_bias' } = options
  const spec = gatedExperts({
    count,
    perToken,
    hiddenSize: options.hidden_size,
    intermediateSize: wide,
    activation: options.hidden_act,
    names: { router: 'mlp.gate', module: 'mlp.experts', alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })
  const shared = { ...options, intermediate_size: wide * options.shared }
  return {
    feedForward(layer, n, index) {
      if (!sparse[index]) return gatedMlp(layer, n, options, { mlpBias: false })
      const bias = layer.parameter(biasName, [count], { float32: true })
      addRoutedExperts(layer, n, spec, { scores: 'sigmoid', normed, bias, epsilon: EPSILON, scale })
      return sharedExpert(layer, n, shared, { module: 'mlp.shared_experts', mlpBias: false })
    },
    note: sparse.includes(true) ? { experts: expertsNote(spec, 'mlp.experts', { quantizedIn4 }) } : {}
  }
}
