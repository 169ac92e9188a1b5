import { badInput } from '../../shared/errors'
import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate } from './activations'
import { causalConvolution, checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { gatedDeltaRule } from './deltaRule'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'
import { softplus } from './softplus'

/** What a gated delta net reads from a config, under the names of the config classes. */
export interface DeltaNetSettings {
  readonly hidden_size: number
  readonly hidden_act: ActivationName
  readonly rms_norm_eps: number
  readonly linear_conv_kernel_dim: number
  readonly linear_key_head_dim: number
  readonly linear_value_head_dim: number
  readonly linear_num_key_heads: number
  readonly linear_num_value_heads: number
}

/** What the linears make of a token: [tokens, …] each, `qkv` as q, k and v of all heads behind each other. */
interface Projected {
  readonly qkv: Value
  /** Gate of the output. */
  readonly z: Value
  /** Of the share that is written. */
  readonly b: Value
  /** Of the decay. */
  readonly a: Value
}

export type ProjectInputs = (layer: LayerBuilder, n: Value, settings: DeltaNetSettings) => Projected

/** Where families differ in it. */
export interface DeltaNetForm {
  /** Linears before the delta rule. */
  readonly project: ProjectInputs
  /** Names of the norm behind it and of the last linear; `norm` and `out_proj` when left out. */
  readonly names?: readonly [norm: string, output: string]
  /** Share that a token writes at most; 1 when left out. More turns the sign of what was there. */
  readonly mostWritten?: number
  /** Whether transformers keeps A_log in float32 in every base, as its model is made with it. */
  readonly float32Rates?: boolean
}

/** @throws {AppError} BAD_INPUT where its heads or its convolution are none that a model has */
export function checkDeltaNet(
  config: ConfigReader,
  settings: Pick<DeltaNetSettings, 'linear_conv_kernel_dim' | 'linear_num_key_heads' | 'linear_num_value_heads'>
): void {
  checkTaps(config, 'linear_conv_kernel_dim', settings.linear_conv_kernel_dim)
  const { linear_num_key_heads: keyHeads, linear_num_value_heads: valueHeads } = settings
  if (valueHeads % keyHeads === 0) return
  const found = `linear_num_key_heads is ${keyHeads}`
  throw badInput(`${config.where}: ${found}, expected a divisor of linear_num_value_heads ${valueHeads}`)
}

/** Added to the squared length of a query and of a key before they are divided by it. */
const LENGTH_EPSILON = 1e-6

/**
 * A gated delta net, `linear_attn` of a block: attention with a state of fixed size in the place of keys and values.
 *
 *     q, k, v = act(conv(qkv));   β = m · sigmoid(b),   log decay = −exp(A_log) · softplus(a + dt_bias)
 *     out(norm(deltaRule(q / |q| / √d, k / |k|, v)) · silu(z))
 *
 * Source: transformers modeling_qwen3_5, modeling_qwen3_next, modeling_olmo_hybrid.
 */
export function gatedDeltaNet(
  layer: LayerBuilder,
  n: Value,
  settings: DeltaNetSettings,
  { project, names: [norm, output] = ['norm', 'out_proj'], mostWritten = 1, float32Rates = false }: DeltaNetForm
): Value {
  const { graph, context } = layer
  const { linear_num_value_heads: heads, linear_value_head_dim: valueDim, linear_key_head_dim: keyDim } = settings
  const { linear_num_key_heads: keyHeads, linear_conv_kernel_dim: taps, rms_norm_eps: epsilon } = settings
  const [keys, values] = [keyHeads * keyDim, heads * valueDim]
  const { qkv, z, b, a } = project(layer, n, settings)
  const channels = 2 * keys + values
  const rows = graph.reshape(qkv, [-1, context, channels])
  const convolved = causalConvolution(layer, rows, 'linear_attn.conv1d', { channels, taps, bias: false })
  const mixed = activate(graph, settings.hidden_act, graph.reshape(convolved, [-1, channels]))
  const [q, k, v] = graph.split(mixed, 1, [keys, keys, values]) as [Value, Value, Value]

  const rates = layer.parameter('linear_attn.A_log', [heads], { float32: float32Rates })
  const rate = graph.node('Neg', [graph.node('Exp', [rates])])
  const step = softplus(graph, graph.add(a, layer.parameter('linear_attn.dt_bias', [heads])))
  const unit = (x: Value, scale: number) => unitHeads(layer, x, { heads, keyHeads, keyDim, scale })
  const beta = graph.scaled(graph.sigmoid(b), mostWritten)
  const attended = gatedDeltaRule(
    layer,
    { q: unit(q, keyDim ** -0.5), k: unit(k, 1), v, decay: graph.mul(step, rate), beta },
    { heads, keyDim, valueDim }
  )
  const byHead = graph.reshape(attended, [-1, heads, valueDim])
  const normed = graph.reshape(rmsNorm(layer, byHead, `linear_attn.${norm}`, valueDim, epsilon), [-1, values])
  const gated = graph.mul(normed, activate(graph, 'silu', z))
  return layer.linear(`linear_attn.${output}`, gated, { in: values, out: settings.hidden_size, bias: false })
}

/** One linear for q, k and v, and one each for z, b and a. */
export function separateInputs(layer: LayerBuilder, n: Value, settings: DeltaNetSettings): Projected {
  const { linear_num_value_heads: heads, linear_value_head_dim: valueDim, linear_key_head_dim: keyDim } = settings
  const keys = settings.linear_num_key_heads * keyDim
  const linear = (name: string, out: number) =>
    layer.linear(`linear_attn.in_proj_${name}`, n, { in: settings.hidden_size, out, bias: false })
  return {
    qkv: linear('qkv', 2 * keys + heads * valueDim),
    z: linear('z', heads * valueDim),
    b: linear('b', heads),
    a: linear('a', heads)
  }
}

/** A linear for each. */
export function sixInputs(layer: LayerBuilder, n: Value, settings: DeltaNetSettings): Projected {
  const { linear_num_value_heads: heads, linear_value_head_dim: valueDim, linear_key_head_dim: keyDim } = settings
  const [keys, values] = [settings.linear_num_key_heads * keyDim, heads * valueDim]
  const linear = (name: string, out: number) =>
    layer.linear(`linear_attn.${name}_proj`, n, { in: settings.hidden_size, out, bias: false })
  const qkv = layer.graph.concat([linear('q', keys), linear('k', keys), linear('v', values)], 1)
  return { qkv, b: linear('b', heads), a: linear('a', heads), z: linear('g', values) }
}

/** One linear for q, k, v and z, one for b and a, in each of which the parts of one key head stand together. */
export function groupedInputs(layer: LayerBuilder, n: Value, settings: DeltaNetSettings): Projected {
  const { linear_num_value_heads: heads, linear_value_head_dim: valueDim, linear_key_head_dim: keyDim } = settings
  const keyHeads = settings.linear_num_key_heads
  const group = heads / keyHeads
  const parts = (name: string, widths: readonly number[]): Value[] => {
    const width = widths.reduce((sum, each) => sum + each, 0)
    const size = { in: settings.hidden_size, out: keyHeads * width, bias: false }
    const byHead = layer.graph.reshape(layer.linear(`linear_attn.in_proj_${name}`, n, size), [-1, keyHeads, width])
    const split = layer.graph.split(byHead, 2, widths)
    return split.map((part, i) => layer.graph.reshape(part, [-1, keyHeads * (widths[i] as number)]))
  }
  const [q, k, v, z] = parts('qkvz', [keyDim, keyDim, group * valueDim, group * valueDim]) as [
    Value,
    Value,
    Value,
    Value
  ]
  const [b, a] = parts('ba', [group, group]) as [Value, Value]
  return { qkv: layer.graph.concat([q, k, v], 1), z, b, a }
}

interface UnitHeads {
  readonly heads: number
  readonly keyHeads: number
  readonly keyDim: number
  readonly scale: number
}

/** Each head of x [tokens, keyHeads · d] divided by its length, times a factor; it serves heads / keyHeads consecutive heads. */
export function unitHeads({ graph }: LayerBuilder, x: Value, { heads, keyHeads, keyDim, scale }: UnitHeads): Value {
  const each = graph.reshape(x, [-1, keyHeads, 1, keyDim])
  const square = graph.mul(graph.mean(graph.mul(each, each), -1), graph.scalar(keyDim))
  const length = graph.node('Sqrt', [graph.add(square, graph.scalar(LENGTH_EPSILON))])
  const unit = graph.div(scale === 1 ? each : graph.mul(each, graph.scalar(scale)), length)
  const group = heads / keyHeads
  const repeated = group === 1 ? unit : graph.concat(Array(group).fill(unit), 2)
  return graph.reshape(repeated, [-1, heads * keyDim])
}
