/** What the page of a run shows: a layer's details, and the figures of a variant other than the one that it recommends. */
export interface ShownOfRun {
  readonly layer?: string | undefined
  readonly variant?: string | undefined
}

/** Where the window shows a run: `/runs/ID/layers/LAYER?variant=NAME`. */
export function runAddress(id: string, { layer, variant }: ShownOfRun = {}): string {
  const place = layer === undefined ? '' : `/layers/${encodeURIComponent(layer)}`
  return `/runs/${encodeURIComponent(id)}${place}${chosen(variant)}`
}

/** Where its adapters are taken along; the one that is recommended first where no variant is named. */
export const exportAddress = (id: string, variant?: string): string => `${runAddress(id)}/export${chosen(variant)}`

const chosen = (variant: string | undefined): string =>
  variant === undefined ? '' : `?variant=${encodeURIComponent(variant)}`

/** Where what is not found may be. */
export const ALL_RUNS = { label: 'Go to Runs', to: '/runs' } as const
