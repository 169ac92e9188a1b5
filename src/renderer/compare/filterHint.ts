/** What the search fields of comparisons understand, by example. */
export const FILTER_HINT = 'Words, "a phrase", -without, method:svd, rank:16, tag:paper, model:, status:'
