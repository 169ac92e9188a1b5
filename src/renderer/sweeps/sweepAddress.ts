export const sweepAddress = (id: string): string => `/sweeps/${encodeURIComponent(id)}`

/** Where what is not found may be. */
export const ALL_SWEEPS = { label: 'Go to Sweeps', to: '/sweeps' } as const
