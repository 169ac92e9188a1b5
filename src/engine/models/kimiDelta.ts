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

/**
 * Kimi's delta attention, `self_attn` of a block: a gated delta net whose channels fade by themselves, with gates of low rank.
 *
 *     q, k, v = act(conv([q(n), k(n), v(n)]));   β = sigmoid(b(n))
 *     log decay = −exp(A_log) · softplus(f_b(f_a(n)) + dt_bias)
 *     o(norm(deltaRule(q / |q| / √d, k / |k|, v)) · sigmoid(g_b(g_a(n))))
 *
 * Source: Kimi Linear, arXiv 2510.26692; transformers modeling_kimi_linear.
 */
export function kimiDelta(layer: LayerBuilder, n: Value, settings: KimiDeltaSettings): Value {
  const { graph, context } = layer
  const { hidden_size: hiddenSize, linear_head_dim: headDim, linear_num_heads: heads } = settings
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
  const convolved = causalConvolution(layer, rows, 'self_attn.conv1d', { channels, taps, bias: false })
  const mixed = activate(graph, settings.hidden_act, graph.reshape(convolved, [-1, channels]))
  const [q, k, v] = graph.split(mixed, 1, [width, width, width]) as [Value, Value, Value]

  const ofTwo = (names: readonly [string, string]) =>
    linear(names[1], linear(names[0], n, [hiddenSize, headDim]), [headDim, width])
  const forgetting = ofTwo(['forget_gate.f_a_proj', 'forget_gate.f_b_proj'])
  const step = softplus(graph, graph.add(forgetting, layer.parameter('self_attn.forget_gate.dt_bias', [width])))
  const rates = layer.parameter('self_attn.forget_gate.A_log', [1, 1, heads, 1])
  const rate = graph.node('Neg', [graph.node('Exp', [graph.reshape(rates, [1, heads, 1])])])
  const decay = graph.reshape(graph.mul(graph.reshape(step, [-1, heads, headDim]), rate), [-1, width])
  const beta = graph.sigmoid(linear('b_proj', n, [hiddenSize, heads]))

  const unit = (x: Value, scale: number) => unitHeads(layer, x, { heads, keyHeads: heads, keyDim: headDim, scale })
  const inputs = { q: unit(q, headDim ** -0.5), k: unit(k, 1), v, decay, beta }
  const attended = channelDeltaRule(layer, inputs, { heads, keyDim: headDim, valueDim: headDim })
  const byHead = graph.reshape(attended, [-1, heads, headDim])
  const normed = rmsNorm(layer, byHead, 'self_attn.o_norm', headDim, settings.rms_norm_eps)
  const gate = graph.sigmoid(ofTwo(['g_a_proj', 'g_b_proj']))
  return linear('o_proj', graph.mul(graph.reshape(normed, [-1, width]), gate), [width, hiddenSize])
}
