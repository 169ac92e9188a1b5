import { GraphBuilder } from './graphBuilder'

/** The smallest graph that shows that a device computes: sum = a + a. */
export function elementwiseProbe(): Uint8Array {
  const g = new GraphBuilder()
  const a = g.input('a', [2])
  g.output('sum', g.add(a, a), [2])
  return g.build()
}
