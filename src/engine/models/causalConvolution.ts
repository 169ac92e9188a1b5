import type { Value } from '../graph/graphBuilder'
import type { ConfigReader } from './configReader'
import type { LayerBuilder } from './layerBuilder'

/** A damaged config must not ask for memory before a tensor contradicts it; convolutions have three taps or four. */
const MAX_TAPS = 256

/** @throws {AppError} BAD_INPUT for more taps than any convolution has */
export function checkTaps(config: ConfigReader, key: string, taps: number): void {
  if (taps > MAX_TAPS) throw config.complaint(key, `at most ${MAX_TAPS}`)
}

interface Convolution {
  readonly channels: number
  readonly taps: number
  readonly bias: boolean
  /** Whether transformers keeps its weight in float32. */
  readonly float32?: boolean
}

/**
 * y_t = Σₖ wₖ · x_(t − taps + 1 + k) (+ b), each channel by itself; zeros stand before a row.
 *
 * @param x - [rows, context, channels]
 * @param name - of the module, whose weight is [channels, 1, taps]
 * @returns the shape of x
 */
export function causalConvolution(
  layer: LayerBuilder,
  x: Value,
  name: string,
  { channels, taps, bias, float32 }: Convolution
): Value {
  const { graph, context } = layer
  const weight = layer.parameter(`${name}.weight`, [channels, 1, taps], float32 ? { float32 } : {})
  const padded = graph.node('Pad', [x, graph.ints([0, taps - 1, 0, 0, 0, 0])])
  const terms = Array.from({ length: taps }, (_, k) => {
    const tap = graph.reshape(graph.slice(weight, 2, k, k + 1), [channels])
    return graph.mul(graph.slice(padded, 1, k, k + context), tap)
  })
  const sum = terms.reduce((total, term) => graph.add(total, term))
  return bias ? graph.add(sum, layer.parameter(`${name}.bias`, [channels])) : sum
}
