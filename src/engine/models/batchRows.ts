/** Tokens that are computed together: large enough for the matrix products, small beside a block's weights. */
export const BATCH_TOKENS = 2048

/** Rows of that many tokens that are computed together. */
export const batchRows = (context: number): number => Math.max(1, Math.floor(BATCH_TOKENS / context))
