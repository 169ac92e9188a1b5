import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import { causalConvolution } from './causalConvolution'
import { channelDeltaRule } from './channelDeltaRule'
import { unitHeads } from './gatedDeltaNet'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'
import { softplus } from './softplus'

/** What Kimi's delta attention reads from a config, under the names of its class. */
export interface KimiDeltaSettings {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  readonly rms_norm_eps: number
  readonly linear_conv_kernel_dim: number
  readonly linear_head_dim: number
  readonly linear_num_heads: number
}

/** The linears of the gates of forgetting and of the output, one after the other, and what becomes of the first. */
interface KimiDeltaGates {
  readonly forget: readonly string[]
  readonly output: readonly string[]
  /** Shape of A_log. */
  readonly rateShape: (heads: number) => readonly number[]
  /** The least logarithm of a decay, where it is bounded. */
  readonly least?: number | undefined
  /** Whether transformers keeps A_log, dt_bias and the convolution in float32. */
  readonly float32?: boolean
}

/**
 * Kimi's delta attention, `self_attn` of a block: a gated delta net whose channels fade by themselves, with the gates f and g.
 *
 *     q, k, v = act(conv([q(n), k(n), v(n)]));   β = sigmoid(b(n))
 *     log decay = −exp(A_log) · softplus(f(n) + dt_bias), or least · sigmoid(exp(A_log) · (f(n) + dt_bias))
 *     o(norm(deltaRule(q / |q| / √d, k / |k|, v)) · sigmoid(g(n)))
 *
 * Source: Kimi Linear, arXiv 2510.26692; transformers modeling_kimi_linear, modeling_bailing_hybrid.
 */
export function kimiDelta(layer: LayerBuilder, n: Value, settings: KimiDeltaSettings, gates: KimiDeltaGates): Value {
  const { graph, context } = layer
  const { hidden_size: hiddenSize, linear_head_dim: headDim, linear_num_heads: heads } = settings
  const kept = gates.float32 ? { float32: true } : {}
  const width = heads * headDim
  const linear = (name: string, x: Value, size: readonly [from: number, to: number]) =>
    layer.linear(`self_attn.${name}`, x, { in: size[0], out: size[1], bias: false })
  const joined = graph.concat(
    ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(name, n, [hiddenSize, width])),
    1
  )
  const channels = 3 * width
  const rows = graph.reshape(joined, [-1, context, channels])
  const taps = settings.linear_conv_kernel_dim
  const convolved = causalConvolution(layer, rows, 'self_attn.conv1d', { channels, taps, bias: false, ...kept })
  const mixed = activate(graph, settings.hidden_act, graph.reshape(convolved, [-1, channels]))
  const [q, k, v] = graph.split(mixed, 1, [width, width, width]) as [Value, Value, Value]

  const gate = (names: readonly string[]) =>
    names.reduce<Value>(
      (x, name, i) => linear(name, x, [i === 0 ? hiddenSize : headDim, i < names.length - 1 ? headDim : width]),
      n
    )
  const shifted = graph.add(gate(gates.forget), layer.parameter('self_attn.forget_gate.dt_bias', [width], kept))
  const rates = layer.parameter('self_attn.forget_gate.A_log', gates.rateShape(heads), kept)
  const rate = graph.node('Exp', [graph.reshape(rates, [1, heads, 1])])
  const times = (x: Value, factor: Value) =>
    graph.reshape(graph.mul(graph.reshape(x, [-1, heads, headDim]), factor), [-1, width])
  const decay =
    gates.least === undefined
      ? times(softplus(graph, shifted), graph.node('Neg', [rate]))
      : graph.mul(graph.sigmoid(times(shifted, rate)), graph.scalar(gates.least))
  const beta = graph.sigmoid(linear('b_proj', n, [hiddenSize, heads]))

  const unit = (x: Value, scale: number) => unitHeads(layer, x, { heads, keyHeads: heads, keyDim: headDim, scale })
  const inputs = { q: unit(q, headDim ** -0.5), k: unit(k, 1), v, decay, beta }
  const attended = channelDeltaRule(layer, inputs, { heads, keyDim: headDim, valueDim: headDim })
  const byHead = graph.reshape(attended, [-1, heads, headDim])
  const normed = rmsNorm(layer, byHead, 'self_attn.o_norm', headDim, settings.rms_norm_eps)
  const passed = graph.sigmoid(gate(gates.output))
  return linear('o_proj', graph.mul(graph.reshape(normed, [-1, width]), passed), [width, hiddenSize])
}
