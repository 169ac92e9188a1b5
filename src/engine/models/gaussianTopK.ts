import type { GraphBuilder, Value } from '../graph/graphBuilder'

/**
 * Of x [tokens, width], what lies above a quantile of the normal distribution that has the mean and the deviation of each
 * token's values: max(0, x − (mean + z · deviation)), z = `sparsityQuantile(share)`.
 *
 * @param share - of values that become 0, were they distributed so
 */
export function gaussianTopK(graph: GraphBuilder, x: Value, share: number): Value {
  const centred = graph.sub(x, graph.mean(x, -1))
  const deviation = graph.node('Sqrt', [graph.mean(graph.mul(centred, centred), -1)])
  return graph.node('Relu', [graph.sub(centred, graph.mul(deviation, graph.scalar(sparsityQuantile(share))))])
}

/** Whether a share has a quantile, in the float32 that torch takes it in. */
export const hasQuantile = (share: number): boolean => Math.abs(centredShare(share)) < 1

/** √2 erf⁻¹(2 · share − 1), the share rounded as torch rounds it. */
export function sparsityQuantile(share: number): number {
  const probability = (centredShare(share) + 1) / 2
  let [low, high] = [-FARTHEST, FARTHEST]
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2
    if (normalProbability(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** No float32 below 1 has a quantile beyond. */
const FARTHEST = 6
const HALVINGS = 60

const centredShare = (share: number): number => Math.fround(2 * Math.fround(share) - 1)

/** Φ(x) = ½ + φ(x) · Σ x^(2k+1) / (1 · 3 · … · (2k+1)). */
function normalProbability(x: number): number {
  let [term, sum] = [x, x]
  for (let k = 1; Math.abs(term) > 1e-18; k++) {
    term *= (x * x) / (2 * k + 1)
    sum += term
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}
