import type { InspectedModel } from '../../shared/inspection'

/** Linears of all blocks that have the same place and shape. */
export interface LinearGroup {
  /** Path with `*` for the number of the block: `model.layers.*.self_attn.q_proj`. */
  readonly pattern: string
  readonly count: number
  /** [out, in] */
  readonly shape: readonly [number, number]
  readonly parameters: number
}

/** Linears by place and shape, in the order of execution within a block. */
export function groupLinears(linears: InspectedModel['linears']): LinearGroup[] {
  const groups = new Map<string, LinearGroup>()
  for (const { name, shape } of linears) {
    const pattern = name.replaceAll(/\.\d+(?=\.)/g, '.*')
    const key = `${pattern} ${shape}`
    const parameters = shape[0] * shape[1]
    const known = groups.get(key) ?? { pattern, count: 0, shape, parameters: 0 }
    groups.set(key, { ...known, count: known.count + 1, parameters: known.parameters + parameters })
  }
  return [...groups.values()]
}
