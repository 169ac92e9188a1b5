import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import { causalConvolution } from './causalConvolution'
import { CHUNK } from './chunks'
import { FARTHEST } from './largest'
import type { LayerBuilder } from './layerBuilder'
import { bareRmsNorm } from './norms'
import { selectiveStates } from './selectiveStates'
import { softplus } from './softplus'

/** What a mixer of Mamba-2 is made of. */
export interface Mamba2Spec {
  /** Its module in a block. */
  readonly module: string
  readonly hiddenSize: number
  readonly heads: number
  readonly headDim: number
  /** Groups of heads that share keys and queries; the last norm is of as many groups. */
  readonly groups: number
  readonly stateDim: number
  readonly taps: number
  readonly convolutionBias: boolean
  /** Biases of the first linear and of the last. */
  readonly inputBias: boolean
  readonly outputBias: boolean
  readonly activation: ActivationName
  readonly epsilon: number
  /** Bounds of the time steps; no upper one where null. */
  readonly stepLimits: readonly [least: number, most: number | null]
  /** Whether what the gate passes is normed; true when left out. */
  readonly normed?: boolean
  /** Factors of z, x, B, C and s; 1 when left out. */
  readonly partFactors?: readonly number[]
}

/**
 * Why trainers must not quantize the last linear: while a model trains, transformers hands its weight to the fused kernel of
 * mamba-ssm, where that is installed, and does not call the linear.
 *
 * Source: transformers modeling_bamba (`mamba2_split_conv1d_scan_combined`).
 */
export const KEPT_MAMBA = {
  names: ['out_proj'],
  what: 'the last linears of Mamba',
  why: 'the kernel of mamba-ssm, which takes their weights as they lie in memory, cannot train a base that quantizes them'
} as const

/**
 * Mamba-2, a state of fixed size in the place of keys and values.
 *
 *     z, u, s = in(n);   x, B, C = act(conv(u));   Δ = clamp(softplus(s + dt_bias))
 *     out(w · norm((states(Δ x, exp(−Δ exp(A_log)), B, C) + D x) · silu(z))),   normed in groups
 *
 * The last linear is neither quantized nor adapted (`KEPT_MAMBA`). Source: transformers modeling_bamba.
 */
export function mamba2(layer: LayerBuilder, n: Value, spec: Mamba2Spec): Value {
  const { graph, context } = layer
  const { module, hiddenSize, heads, headDim, groups, stateDim, taps } = spec
  const [inner, keys] = [heads * headDim, groups * stateDim]
  const widths = [inner, inner + 2 * keys, heads]
  const total = widths.reduce((sum, width) => sum + width, 0)
  const fused = layer.linear(`${module}.in_proj`, n, { in: hiddenSize, out: total, bias: spec.inputBias })
  const [gate, mixed, step] = graph.split(scaledParts(layer, fused, spec), 1, widths) as [Value, Value, Value]

  const channels = inner + 2 * keys
  // What the linear gives; rows with zeros before them, a product and a sum; what is written, read, gated and normed; decays.
  layer.scratch.push(total, ...Array(3).fill(channels), ...Array(4).fill(inner), ...Array(3).fill(heads * CHUNK))
  const rows = graph.reshape(mixed, [-1, context, channels])
  const convolved = causalConvolution(layer, rows, `${module}.conv1d`, { channels, taps, bias: spec.convolutionBias })
  const active = activate(graph, spec.activation, graph.reshape(convolved, [-1, channels]))
  const [x, B, C] = graph.split(active, 1, [inner, keys, keys]) as [Value, Value, Value]

  const time = timeSteps(layer, step, spec)
  const rate = graph.node('Neg', [graph.node('Exp', [layer.parameter(`${module}.A_log`, [heads])])])
  const byHead = (value: Value) => graph.reshape(value, [-1, heads, headDim])
  const written = graph.mul(byHead(x), graph.reshape(time, [-1, heads, 1]))
  const inputs = { x: graph.reshape(written, [-1, inner]), decay: graph.mul(time, rate), B, C }
  const states = selectiveStates(layer, inputs, { heads, headDim, groups, stateDim })
  const skip = graph.mul(byHead(x), graph.reshape(layer.parameter(`${module}.D`, [heads]), [heads, 1]))
  const y = graph.add(states, graph.reshape(skip, [-1, inner]))

  return output(layer, gatedNorm(layer, y, gate, spec), spec)
}

/** Δ = clamp(softplus(s + dt_bias)), [tokens, heads]. */
function timeSteps(layer: LayerBuilder, step: Value, { module, heads, stepLimits: [least, most] }: Mamba2Spec): Value {
  const { graph } = layer
  const time = softplus(graph, graph.add(step, layer.parameter(`${module}.dt_bias`, [heads])))
  if (least <= 0 && most === null) return time
  return graph.node('Clip', [time, graph.scalar(least), graph.scalar(most ?? FARTHEST)])
}

/** Each part of what the first linear gives times its factor. */
function scaledParts({ graph }: LayerBuilder, fused: Value, spec: Mamba2Spec): Value {
  const { heads, headDim, groups, stateDim, partFactors = [] } = spec
  if (partFactors.every((factor) => factor === 1)) return fused
  const [inner, keys] = [heads * headDim, groups * stateDim]
  const widths = [inner, inner, keys, keys, heads]
  const values = widths.flatMap((width, part) => Array<number>(width).fill(partFactors[part] as number))
  return graph.mul(fused, graph.floats(Float32Array.from(values), [values.length]))
}

/** w · norm(y · silu(z)), each group of y [tokens, heads · headDim] by itself, or y · silu(z) where nothing is normed. */
function gatedNorm(layer: LayerBuilder, y: Value, gate: Value, spec: Mamba2Spec): Value {
  const { graph } = layer
  const { module, heads, headDim, groups, epsilon } = spec
  const inner = heads * headDim
  const gated = graph.mul(y, activate(graph, 'silu', gate))
  if (spec.normed === false) return gated
  const normed = bareRmsNorm(layer, graph.reshape(gated, [-1, groups, inner / groups]), epsilon)
  return graph.mul(graph.reshape(normed, [-1, inner]), layer.parameter(`${module}.norm.weight`, [inner]))
}

function output(layer: LayerBuilder, y: Value, spec: Mamba2Spec): Value {
  const { module, hiddenSize, heads, headDim, outputBias } = spec
  const weight = layer.parameter(`${module}.out_proj.weight`, [hiddenSize, heads * headDim])
  const bias = outputBias ? layer.parameter(`${module}.out_proj.bias`, [hiddenSize]) : undefined
  return layer.graph.gemm(y, weight, { transB: 1, ...(bias !== undefined && { bias }) })
}
