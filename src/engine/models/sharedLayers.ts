import type { ConfigReader } from './configReader'
import type { LayerType } from './layerTypes'

/** The last layer of each type before those that share, by the type: what they share stands there. */
export function sharingLayers(types: readonly LayerType[], shared: number): ReadonlyMap<LayerType, number> {
  const first = types.length - shared
  const takers = new Set(types.slice(first))
  return new Map([...takers].map((type) => [type, types.lastIndexOf(type, first - 1)]))
}

/**
 * Of the last `num_kv_shared_layers` layers, each takes keys and values from one of its type before them.
 *
 * @throws {AppError} BAD_INPUT where a type has no layer with keys and values of its own
 */
export function checkShared(
  config: ConfigReader,
  { num_kv_shared_layers: shared }: { readonly num_kv_shared_layers: number },
  types: readonly LayerType[]
): void {
  if (shared === 0) return
  const own = new Set(types.slice(0, Math.max(0, types.length - shared)))
  if (types.every((type) => own.has(type))) return
  throw config.complaint('num_kv_shared_layers', 'so many that layers of every type keep keys and values of their own')
}
