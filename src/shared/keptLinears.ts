/*
 * Linears that a base has to leave in full precision, as no trainer could begin with it otherwise. transformers is told by
 * `llm_int8_skip_modules`, of 4 bits too, and then leaves out what is named there and nothing else: the head is named as well.
 */

/** The argument of transformers' BitsAndBytesConfig. */
export const skipArgument = (modules: readonly string[]): string =>
  `llm_int8_skip_modules=[${modules.map((name) => `"${name}"`).join(', ')}]`

/** What a trainer has to be told, as a sentence; `modules` are those that it is told to leave out. */
export function keptSentence(modules: readonly string[]): string {
  const names = modules.slice(1).join(', ')
  return `AltUp's linears (${names} of each block) stay in full precision, as transformers cannot train a base that quantizes them: a trainer has to be told ${skipArgument(modules)}, as in the snippets, or to load a base that quail export-base wrote; one that quantizes them is another base, whose perplexity was not measured`
}

/** Where a trainer cannot be told. */
export const NO_SKIPPING = 'has no setting for modules that stay in full precision'
