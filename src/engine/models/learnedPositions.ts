import type { Value } from '../graph/graphBuilder'
import type { LayerBuilder } from './layerBuilder'

/**
 * Embedded tokens with a learned vector for each position added to them.
 *
 * @param embedded - [rows · context, size]
 * @param table - the parameter [first + limit, size]; position 0 has row `first`
 */
export function addPositions(
  layer: LayerBuilder,
  embedded: Value,
  table: { readonly name: string; readonly limit: number; readonly size: number; readonly first?: number }
): Value {
  const { graph, context } = layer
  const { name, limit, size, first = 0 } = table
  const positions = graph.slice(layer.parameter(name, [first + limit, size]), 0, first, first + context)
  const rows = graph.reshape(embedded, [-1, context, size])
  return graph.reshape(graph.add(rows, positions), [-1, size])
}
