/*
 * Linears that a base has to leave in full precision, as no trainer could begin with it otherwise. transformers is told by
 * `llm_int8_skip_modules`, of 4 bits too, and then leaves out what is named there and nothing else: the head is named as well.
 */

/** The argument of transformers' BitsAndBytesConfig. */
export const skipArgument = (modules: readonly string[]): string =>
  `llm_int8_skip_modules=[${modules.map((name) => `"${name}"`).join(', ')}]`

/** Such linears of a family, and words for them. */
export interface KeptLinears {
  /** Their last names. */
  readonly names: readonly string[]
  /** Begins a sentence. */
  readonly what: string
  /** A clause: why no base that quantizes them is trained. */
  readonly why: string
}

/** What a trainer has to be told, as a sentence; `modules` are those that it is told to leave out. */
export function keptSentence({ names, what, why }: KeptLinears, modules: readonly string[]): string {
  return `${what} (${names.join(', ')}) stay in full precision, as ${why}: a trainer has to be told ${skipArgument(modules)}, as in the snippets, or to load a base that quail export-base wrote; one that quantizes them is another base, whose perplexity was not measured`
}

/** Where a trainer cannot be told. */
export const NO_SKIPPING = 'has no setting for modules that stay in full precision'
