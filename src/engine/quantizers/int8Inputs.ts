import type { GraphBuilder, Value } from '../graph/graphBuilder'
import type { InputRounding } from '../graph/inputRounding'

/** `llm_int8_threshold` of transformers' BitsAndBytesConfig, where a trainer says nothing else. */
const THRESHOLD = 6
/** Smallest positive float16: stands for the scale of a row of zeros, whose codes are zeros with any. */
const TINY = 2 ** -24
/** Added and taken away again, it leaves the nearest whole number, ties to even, of any |x| < 2^22 in float32. */
const ROUNDER = 1.5 * 2 ** 23

/**
 * How `Linear8bitLt` of bitsandbytes sees its inputs: while it infers, and on CUDA while it trains as well.
 *
 * With h the inputs rounded to float16, s the largest |h| below the threshold of a token, and a column that of an outlier
 * where any |h| of the batch reaches the threshold:
 *
 *     x̃ = round(h · fp32(127 / s)) · s / 127, ties to even;    x̃ = x in the columns of outliers
 *
 * so that x̃ Qᵀ is the int8 product with its scales plus the product of the outlier columns in full precision, apart from
 * the order of a float32 sum.
 *
 * Written in float32 operations alone, since WebGPU may have neither float16 nor rounding. Each operation stores its
 * result, so that nothing is contracted.
 *
 * Source: bitsandbytes 0.50 `MatMul8bitLt`, `int8_vectorwise_quant`, `int8_mixed_scaled_mm`; LLM.int8, arXiv 2208.07339.
 */
export const roundInputs: InputRounding = (graph, x, real) => {
  const threshold = graph.scalar(THRESHOLD)
  const half = roundToHalf(graph, x)
  const magnitude = graph.node('Abs', [half])
  const inlier = graph.node('Less', [magnitude, threshold])
  const kept = graph.node('Where', [inlier, half, graph.scalar(0)])
  const largest = maximum(graph, graph.node('Abs', [kept]), 1)
  const steps = graph.mul(
    graph.node('Reciprocal', [graph.node('Max', [largest, graph.scalar(TINY)])]),
    graph.scalar(127)
  )
  const codes = roundToCode(graph, graph.mul(kept, steps))
  const rounded = graph.mul(codes, graph.mul(largest, graph.scalar(1 / 127)))
  const peaks = maximum(graph, graph.mul(magnitude, real), 0)
  return graph.node('Where', [graph.node('Less', [peaks, threshold]), rounded, x])
}

/** Maximum over one axis, which stays with size 1. */
const maximum = (graph: GraphBuilder, x: Value, axis: number): Value =>
  graph.node('ReduceMax', [x, graph.ints([axis])], { keepdims: 1 })

/** x to the nearest whole number, ties to even, of any |x| < 2^22. */
export const roundToCode = (graph: GraphBuilder, x: Value): Value => nearest(graph, x, ROUNDER)

/** x to the nearest multiple of the last place of `rounder`, ties to even. */
function nearest(graph: GraphBuilder, x: Value, rounder: number): Value {
  const constant = graph.scalar(rounder)
  return graph.sub(graph.add(x, constant), constant)
}

/**
 * x rounded to float16, ties to even; above its range, where nothing here asks for the value, as if that had no end.
 *
 * Veltkamp's splitting keeps eleven bits: c = (2¹³ + 1) x, h = c − (c − x). Below 2⁻¹⁴ float16 has even steps of 2⁻²⁴,
 * the last place of ¾.
 */
export function roundToHalf(graph: GraphBuilder, x: Value): Value {
  const scaled = graph.mul(x, graph.scalar(2 ** 13 + 1))
  const normal = graph.sub(scaled, graph.sub(scaled, x))
  const small = graph.node('Less', [graph.node('Abs', [x]), graph.scalar(2 ** -14)])
  return graph.node('Where', [small, nearest(graph, x, 0.75), normal])
}
