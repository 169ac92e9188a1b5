import type { Finding } from '../../shared/findings'
import { plural } from '../../shared/plural'
import type { TokenRows } from '../calibration/rows'
import { addedTokensOf } from '../calibration/tokenizerDefinition'
import { readTokenizerSource } from '../calibration/tokenizerFiles'
import type { ModelArchitecture } from '../models/architecture'
import type { EvaluationText } from './tokenRequests'

interface Tokenized {
  readonly calibration: TokenRows
  readonly evaluation: readonly EvaluationText[]
}

/**
 * Tokens in the rows that stand for images, films or sounds: the model that a trainer loads puts other inputs in their place,
 * or none, where Quail takes their embeddings.
 */
export async function placeholderFindings(
  directory: string,
  { placeholders = new Map(), tower }: ModelArchitecture,
  { calibration, evaluation }: Tokenized
): Promise<Finding[]> {
  const counts = new Map<number, number>()
  if (placeholders.size === 0) return []
  for (const { ids, lengths, context } of [calibration, ...evaluation.map(({ rows }) => rows)]) {
    for (const [place, id] of ids.entries()) {
      const isPad = place % context >= (lengths[Math.floor(place / context)] as number)
      if (placeholders.has(id) && !isPad) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  if (counts.size === 0) return []
  const names = await tokenNames(directory)
  const found = [...counts].map(
    ([id, count]) =>
      `${plural(count, 'time')} ${names.get(id) ?? `token ${id}`} (${placeholders.get(id)} of config.json)`
  )
  const consequence = `a ${tower?.wrapper} puts what it sees or hears there, and Quail the embedding of the token`
  const message = `the rows hold ${found.join(' and ')}: ${consequence}; take such tokens out of the texts`
  return [{ code: 'PLACEHOLDERS', severity: 'warning', subject: 'texts', message }]
}

/** Texts of added tokens, by their ids; those that only the vocabulary holds have none. */
async function tokenNames(directory: string): Promise<ReadonlyMap<number, string>> {
  const { definition } = await readTokenizerSource(directory)
  return new Map(addedTokensOf(definition).map(({ id, content }) => [id, content]))
}
