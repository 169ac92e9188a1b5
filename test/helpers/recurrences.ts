import { expect } from 'vitest'
import { addGradients } from '../../src/engine/graph/gradient'
import type { Value } from '../../src/engine/graph/graphBuilder'
import { GraphSession, type Tensor } from '../../src/engine/graph/session'
import { LayerBuilder } from '../../src/engine/models/layerBuilder'
import { uniform } from './adaptedBlock'

/** What a graph is given, by name. */
type Point<Name extends string> = Readonly<Record<Name, ArrayLike<number>>>

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, x, i) => sum + x * (b[i] as number), 0)

/**
 * What a graph over rows of tokens gives, as `out`, and its gradients of Σ seed · out, as `gradient.<name>` of every input.
 *
 * @param widths - values of a token of every input
 */
export async function computedRecurrence<Name extends string>(
  context: number,
  widths: Readonly<Record<Name, number>>,
  point: Readonly<Record<Name, Float32Array>>,
  seed: Float32Array,
  build: (layer: LayerBuilder, inputs: Readonly<Record<Name, Value>>) => Value
): Promise<Record<string, Float32Array>> {
  const names = Object.keys(widths) as Name[]
  const [first] = names as [Name]
  const tokens = point[first].length / widths[first]
  const width = seed.length / tokens
  const layer = new LayerBuilder(context)
  const { graph } = layer
  const inputs = Object.fromEntries(names.map((name) => [name, graph.input(name, ['tokens', widths[name]])])) as Record<
    Name,
    Value
  >
  const output = build(layer, inputs)
  const of = new Map([[output, graph.input('seed', ['tokens', width])]])
  const gradients = addGradients(graph, of, Object.values(inputs))
  graph.output('out', output, ['tokens', width])
  for (const name of names) {
    graph.output(`gradient.${name}`, gradients.get(inputs[name]) as Value, ['tokens', widths[name]])
  }
  const session = await GraphSession.create(graph.build(), 'cpu')
  const tensor = (data: Float32Array, size: number): Tensor => ({ data, shape: [tokens, size] })
  const feeds = Object.fromEntries(names.map((name) => [name, tensor(point[name], widths[name])]))
  const found = await session.run({ ...feeds, seed: tensor(seed, width) })
  await session.release()
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]))
}

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
