import type { Value } from '../graph/graphBuilder'
import { causalAttention } from './attention'
import type { KeysAndValues } from './carriedStates'
import type { LayerBuilder } from './layerBuilder'
import type { LayerAttention } from './layerTypes'
import { bareRmsNorm, rmsNorm } from './norms'

/** Attention of one layer over normed queries, keys and values, whose scores have no factor. */
export interface NormedAttention extends LayerAttention {
  readonly hiddenSize: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly headDim: number
  readonly epsilon: number
  readonly bias: boolean
}

/** Normed queries [tokens, heads · d], not yet rotated. */
export const normedQueries = (layer: LayerBuilder, n: Value, shape: NormedAttention): Value =>
  headNorm(layer, projected(layer, n, 'q_proj', shape.heads, shape), 'q_norm', shape)

/** Normed keys, not yet rotated, and values; with `oneForBoth`, values are what keys are before their norm. */
export function normedKeysAndValues(
  layer: LayerBuilder,
  n: Value,
  shape: NormedAttention,
  oneForBoth = false
): KeysAndValues {
  const k = projected(layer, n, 'k_proj', shape.keyValueHeads, shape)
  const v = oneForBoth ? k : projected(layer, n, 'v_proj', shape.keyValueHeads, shape)
  return { k: headNorm(layer, k, 'k_norm', shape), v: headNorm(layer, v, '', shape) }
}

/** o(attention(q, k, v)). */
export function attendNormed(
  layer: LayerBuilder,
  qkv: KeysAndValues & { readonly q: Value },
  { hiddenSize: out, heads, keyValueHeads, headDim, bias, window, rope }: NormedAttention
): Value {
  const attended = causalAttention(layer, qkv, { heads, keyValueHeads, headDim, scale: 1, window, rope })
  return layer.linear('self_attn.o_proj', attended, { in: heads * headDim, out, bias })
}

function projected(
  layer: LayerBuilder,
  n: Value,
  name: 'q_proj' | 'k_proj' | 'v_proj',
  count: number,
  { hiddenSize, headDim, bias }: NormedAttention
): Value {
  return layer.linear(`self_attn.${name}`, n, { in: hiddenSize, out: headDim * count, bias })
}

/** Heads [tokens, heads · d], each normed; without a name, by no weight. */
function headNorm(layer: LayerBuilder, x: Value, name: string, { headDim: size, epsilon }: NormedAttention): Value {
  const heads = layer.graph.reshape(x, [0, -1, size])
  const normed =
    name === '' ? bareRmsNorm(layer, heads, epsilon) : rmsNorm(layer, heads, `self_attn.${name}`, size, epsilon)
  return layer.graph.reshape(normed, [0, -1])
}
