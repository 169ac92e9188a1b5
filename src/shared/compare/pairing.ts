/*
 * What is known of the difference between variants of different runs: where both were measured on the same rows, their
 * losses go together row by row, as within one run.
 */

/** Of one text: by variant the standard error of log(its perplexity / the baseline's), paired over rows; or why not. */
export type TextPairing =
  | { readonly logRatioErrors: Readonly<Record<string, number>>; readonly why?: undefined }
  | { readonly logRatioErrors?: undefined; readonly why: string }

/** Of the runs beside the baseline's, by id and evaluation text. */
export type Pairing = Readonly<Record<string, Readonly<Record<string, TextPairing>>>>

/** Of more runs than this not each is named. */
const NAMED = 3

/**
 * What a comparison says of the perplexities of several runs: which are paired with those of `whom`, and why others are not.
 *
 * @param titles - of the runs, by id
 */
export function pairingSentences(pairing: Pairing, titles: ReadonlyMap<string, string>, whom: string): string[] {
  const paired: string[] = []
  const others = new Map<string, Set<string>>()
  for (const [id, texts] of Object.entries(pairing)) {
    const title = titles.get(id) ?? id
    if (Object.values(texts).some(({ logRatioErrors }) => logRatioErrors !== undefined)) paired.push(title)
    for (const [text, { why }] of Object.entries(texts))
      if (why !== undefined) {
        const reason = `${text}: ${why}`
        others.set(reason, (others.get(reason) ?? new Set()).add(title))
      }
  }
  return [
    ...(paired.length > 0 ? [`Paired with ${whom} over the same rows: ${listed(paired)}.`] : []),
    ...[...others].map(([reason, runs]) => `Not paired: ${listed([...runs])} (${reason}).`),
    ...(others.size > 0
      ? ['Where rows are not paired, ▲ and ▼ say only which figure is better, not whether it is distinguishable.']
      : [])
  ]
}

const listed = (names: readonly string[]): string =>
  names.length <= NAMED
    ? names.join(', ')
    : `${names.slice(0, NAMED - 1).join(', ')} and ${names.length - NAMED + 1} others`
