import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { LayerBuilder } from './layerBuilder'
import { bareRmsNorm } from './norms'

/*
 * Alternating updates: a model with several streams of hidden states, of which each block computes with one. What the others
 * become is predicted from all of them, and corrected by what the block made of its own.
 *
 * Source: Baykal et al. 2023, Alternating Updates for Efficient Transformers; transformers modeling_gemma3n.
 */

/** Streams, [tokens, count · hiddenSize] side by side or [tokens, count, hiddenSize]. */
export interface Streams {
  readonly count: number
  /** The one that blocks compute with. */
  readonly active: number
  readonly hiddenSize: number
  readonly epsilon: number
}

/**
 * Linears of a block that a trainer's base has to leave in full precision: transformers 5 clamps the weights of the first in
 * place while it trains, and those of the second on the way, where neither is possible with codes. The last is with them, as
 * an adapter beside it would see two inputs.
 */
export const KEPT_ALTUP = {
  names: ['prediction_coefs', 'correction_coefs', 'modality_router'],
  what: "AltUp's linears",
  why: 'transformers cannot train a base that quantizes them'
} as const

/** Squares of streams have at least this mean where they are scaled by it. */
const LEAST_MEAN = 1e-5
const LARGEST_FLOAT = 3.4028234663852886e38

/** The first streams [tokens, count · hiddenSize]: x, and projections of it of the same length. */
export function firstStreams(layer: LayerBuilder, x: Value, { count, hiddenSize }: Streams): Value {
  const { graph } = layer
  const length = rootMean(graph, x)
  const others = Array.from({ length: count - 1 }, (_, i) => {
    const projected = layer.project(`model.altup_projections.${i}.weight`, x, hiddenSize, hiddenSize)
    return ofLength(graph, projected, length)
  })
  return graph.concat([x, ...others], 1)
}

/** The mean of the streams behind the last block, all but the first projected and made as long as that is. */
export function mergedStreams(layer: LayerBuilder, streams: Value, { count, hiddenSize }: Streams): Value {
  const { graph } = layer
  const [x, ...others] = graph.split(streams, 1, Array(count).fill(hiddenSize)) as [Value, ...Value[]]
  const length = rootMean(graph, x)
  const sum = others.reduce((before, stream, i) => {
    const projected = layer.project(`model.altup_unembed_projections.${i}.weight`, stream, hiddenSize, hiddenSize)
    return graph.add(before, ofLength(graph, projected, length))
  }, x)
  return graph.mul(sum, graph.scalar(1 / count))
}

/** AltUp of one block. */
export interface AltUp {
  /** What the streams [tokens, count · hiddenSize] are taken to become, [tokens, count, hiddenSize]: x + R x. */
  predict(streams: Value): Value
  /** The predictions with what the block made of its stream, [tokens, hiddenSize]: each moves by a share of its error. */
  correct(predictions: Value, computed: Value): Value
  /** The stream of the block, [tokens, hiddenSize]. */
  active(streams: Value): Value
}

export function altUp(layer: LayerBuilder, { count, active: index, hiddenSize, epsilon }: Streams): AltUp {
  const { graph } = layer
  const norm = graph.mul(layer.parameter('altup.router_norm.weight', [hiddenSize]), graph.scalar(1 / hiddenSize))
  const router = layer.parameter('altup.modality_router.weight', [count, hiddenSize])
  const prediction = layer.parameter('altup.prediction_coefs.weight', [count * count, count])
  const correction = layer.parameter('altup.correction_coefs.weight', [count, count])
  const routed = (x: Value): Value => {
    const normed = graph.mul(bareRmsNorm(layer, x, epsilon), norm)
    return graph.node('Tanh', [graph.gemm(normed, router, { transB: 1 })])
  }
  const active = (streams: Value): Value => graph.reshape(graph.slice(streams, 1, index, index + 1), [-1, hiddenSize])
  return {
    active,
    predict(flat) {
      const streams = graph.reshape(flat, [-1, count, hiddenSize])
      const coefficients = graph.gemm(routed(active(streams)), prediction, { transB: 1 })
      return graph.add(streams, graph.matmul(graph.reshape(coefficients, [-1, count, count]), streams))
    },
    correct(predictions, computed) {
      const shares = graph.add(graph.gemm(routed(computed), correction, { transB: 1 }), graph.scalar(1))
      const error = graph.reshape(graph.sub(computed, active(predictions)), [-1, 1, hiddenSize])
      return graph.add(predictions, graph.mul(error, graph.reshape(shares, [-1, count, 1])))
    }
  }
}

/** Adds y [tokens, hiddenSize] to all streams [tokens, count, hiddenSize] but the first; they come out side by side. */
export function addedBehindFirst(graph: GraphBuilder, streams: Value, y: Value, { count, hiddenSize }: Streams): Value {
  const [first, others] = graph.split(streams, 1, [1, count - 1]) as [Value, Value]
  const moved = graph.add(others, graph.reshape(y, [-1, 1, hiddenSize]))
  return graph.reshape(graph.concat([first, moved], 1), [-1, count * hiddenSize])
}

const rootMean = (graph: GraphBuilder, x: Value): Value => graph.node('Sqrt', [graph.mean(graph.mul(x, x), -1)])

function ofLength(graph: GraphBuilder, x: Value, length: Value): Value {
  const mean = graph.mean(graph.mul(x, x), -1)
  const bounded = graph.node('Clip', [mean, graph.scalar(LEAST_MEAN), graph.scalar(LARGEST_FLOAT)])
  return graph.div(graph.mul(x, length), graph.node('Sqrt', [bounded]))
}
