/** What the page of a run shows: a layer's details, and the figures of a variant other than the one that it recommends. */
export interface ShownOfRun {
  readonly layer?: string | undefined
  readonly variant?: string | undefined
}

/** Where the window shows a run: `/runs/ID/layers/LAYER?variant=NAME`. */
export function runAddress(id: string, { layer, variant }: ShownOfRun = {}): string {
  const place = layer === undefined ? '' : `/layers/${encodeURIComponent(layer)}`
  const chosen = variant === undefined ? '' : `?variant=${encodeURIComponent(variant)}`
  return `/runs/${encodeURIComponent(id)}${place}${chosen}`
}

/** Where its adapters are taken along. */
export const exportAddress = (id: string): string => `${runAddress(id)}/export`
