/** First and second moments of one parameter's gradient. */
export interface AdamMoments {
  readonly mean: Float32Array
  readonly square: Float32Array
}

/** Shares that the moments keep from one step to the next. */
const KEPT_MEAN = 0.9
const KEPT_SQUARE = 0.999
/** Keeps a gradient of zero from dividing by zero; far below any that is not. */
const EPSILON = 1e-12

export const noMoments = (size: number): AdamMoments => ({
  mean: new Float32Array(size),
  square: new Float32Array(size)
})

/**
 * Takes a gradient into its moments, in place:
 *
 *     m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   β₁ = 0.9, β₂ = 0.999
 */
export function adamMoments({ mean, square }: AdamMoments, gradient: Float32Array): void {
  for (let i = 0; i < mean.length; i++) {
    const g = gradient[i]
    mean[i] = KEPT_MEAN * mean[i] + (1 - KEPT_MEAN) * g
    square[i] = KEPT_SQUARE * square[i] + (1 - KEPT_SQUARE) * g * g
  }
}

/**
 * One step of Adam, in place, once the moments have its gradient:
 *
 *     w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 *
 * Source: Kingma & Ba, arXiv 1412.6980, algorithm 1.
 *
 * @param step - t, from 1 on
 */
export function adamStep(weights: Float32Array, { mean, square }: AdamMoments, rate: number, step: number): void {
  const meanShare = 1 / (1 - KEPT_MEAN ** step)
  const squareShare = 1 / (1 - KEPT_SQUARE ** step)
  for (let i = 0; i < weights.length; i++) {
    weights[i] -= (rate * mean[i] * meanShare) / (Math.sqrt(square[i] * squareShare) + EPSILON)
  }
}
