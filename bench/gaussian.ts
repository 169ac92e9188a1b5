import type { Random } from '../src/engine/numerics/random'

/** Fills with normally distributed numbers of mean 0, by the method of Box and Muller. */
export function fillGaussian(target: Float32Array | Float64Array, deviation: number, random: Random): void {
  for (let i = 0; i < target.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()))
    const angle = 2 * Math.PI * random()
    target[i] = radius * Math.cos(angle)
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle)
  }
}
