export const sweepAddress = (id: string): string => `/sweeps/${encodeURIComponent(id)}`
