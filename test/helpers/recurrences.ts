import { expect } from 'vitest'
import { uniform } from './adaptedBlock'

/** What a graph is given, by name. */
type Point<Name extends string> = Readonly<Record<Name, ArrayLike<number>>>

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, x, i) => sum + x * (b[i] as number), 0)

/**
 * A graph gives what a recurrence in float64 gives, and its gradients of Σ seed · out are those of the recurrence.
 *
 * @param found - `out`, and `gradient.<name>` of every input
 */
export function expectRecurrence<Name extends string>(
  found: Readonly<Record<string, Float32Array>>,
  point: Point<Name>,
  seed: Float32Array,
  recurrence: (point: Point<Name>) => Float64Array
): void {
  const expected = recurrence(point)
  const largest = Math.max(...expected.map(Math.abs))
  const worst = Math.max(...expected.map((x, i) => Math.abs(x - (found.out?.[i] as number))))
  expect(worst).toBeLessThan(1e-5 * largest) // sums of a hundred float32 terms
  for (const name of Object.keys(point) as Name[]) {
    const gradient = found[`gradient.${name}`] as Float32Array
    const length = Math.sqrt(dot(gradient, gradient))
    // Along the gradient and across, in float64: a difference of second order in the step is left.
    for (const direction of [gradient, uniform(gradient.length, 1, 'across', name)]) {
      const size = Math.sqrt(dot(direction, direction)) || 1
      const step = 1e-5 / size
      const moved = (by: number) => Float64Array.from(point[name], (x, i) => x + by * step * (direction[i] as number))
      const at = (by: number) => dot(seed, recurrence({ ...point, [name]: moved(by) }))
      const slope = (at(1) - at(-1)) / (2 * step)
      expect(Math.abs(slope - dot(gradient, direction)) / size, name).toBeLessThan(1e-5 * length + 1e-6)
    }
  }
}
