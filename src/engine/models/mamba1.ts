import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import { causalConvolution } from './causalConvolution'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'
import { selectiveScan } from './selectiveScan'
import { softplus } from './softplus'

/** What a mixer of Mamba-1 is made of. */
export interface Mamba1Spec {
  /** Its module in a block. */
  readonly module: string
  readonly hiddenSize: number
  readonly channels: number
  readonly stateDim: number
  /** Width of what time steps are made of. */
  readonly stepRank: number
  readonly taps: number
  readonly convolutionBias: boolean
  /** Bias of the first linear and of the last. */
  readonly bias: boolean
  readonly activation: ActivationName
  /** ε of the norms of what time steps, keys and queries are made of. */
  readonly epsilon: number
}

/**
 * Mamba-1 as Jamba has it, with a time step for each channel, and norms.
 *
 *     u, z = in(n);   x = act(conv(u));   s, B, C = x_proj(x), each normed
 *     Δ = softplus(dt(s));   out((scan(x, Δ, −exp(A_log), B, C) + D x) · silu(z))
 *
 * The bias of `dt_proj` is added behind its linear, where a quantized base subtracts it first: in float32 that is the same but
 * for the rounding of one sum. Source: transformers modeling_jamba.
 */
export function mamba1(layer: LayerBuilder, n: Value, spec: Mamba1Spec): Value {
  const { graph, context } = layer
  const { module, hiddenSize, channels, stateDim, stepRank, taps, bias } = spec
  const fused = layer.linear(`${module}.in_proj`, n, { in: hiddenSize, out: 2 * channels, bias })
  const [mixed, gate] = graph.split(fused, 1, [channels, channels]) as [Value, Value]

  // What the linear gives; rows with zeros before them, a product and a sum; what is scanned, skips and is gated.
  layer.scratch.push(2 * channels, ...Array(6).fill(channels))
  const rows = graph.reshape(mixed, [-1, context, channels])
  const convolution = { channels, taps, bias: spec.convolutionBias }
  const convolved = causalConvolution(layer, rows, `${module}.conv1d`, convolution)
  const x = activate(graph, spec.activation, graph.reshape(convolved, [-1, channels]))

  const widths = [stepRank, stateDim, stateDim]
  const made = layer.linear(`${module}.x_proj`, x, { in: channels, out: stepRank + 2 * stateDim, bias: false })
  const [s, B, C] = graph.split(made, 1, widths).map((part, i) => {
    const name = ['dt_layernorm', 'b_layernorm', 'c_layernorm'][i]
    return rmsNorm(layer, part, `${module}.${name}`, widths[i] as number, spec.epsilon)
  }) as [Value, Value, Value]
  const step = softplus(graph, layer.linear(`${module}.dt_proj`, s, { in: stepRank, out: channels, bias: true }))
  const rate = graph.node('Neg', [graph.node('Exp', [layer.parameter(`${module}.A_log`, [channels, stateDim])])])
  const scanned = selectiveScan(layer, { x, step, rate, B, C }, { channels, stateDim })

  const whole = graph.add(scanned, graph.mul(x, layer.parameter(`${module}.D`, [channels])))
  const gated = graph.mul(whole, activate(graph, 'silu', gate))
  return layer.linear(`${module}.out_proj`, gated, { in: channels, out: hiddenSize, bias })
}
