import { cpus } from 'node:os'

/** The largest single tensor that a graph may produce, bytes: half of Electron's limit, for what ORT adds around it. */
export const TENSOR_LIMIT_BYTES = 256 * 2 ** 20

/** Threads for matrix products: QUAIL_THREADS, else one per core. */
export const threads = (): number => Math.max(1, Number(process.env.QUAIL_THREADS) || cpus().length)
