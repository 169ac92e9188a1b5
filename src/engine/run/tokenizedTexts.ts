import { join } from 'node:path'
import { badInput } from '../../shared/errors'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { concatRows, loadRows, type TokenRows } from '../calibration/rows'
import { ModelTokenizer } from '../calibration/tokenizer'
import { sha256File } from '../formats/files'
import { assertTextUnchanged } from './unchanged'

export interface EvaluationText {
  readonly name: string
  readonly rows: TokenRows
}

export interface RunTexts {
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
}

export interface TokenizedTexts {
  readonly calibration: TokenRows
  readonly evaluation: readonly EvaluationText[]
}

/** Rows of the texts last used: a plan and the run that follows it tokenize the same ones. */
const recent = new Map<string, TokenRows>()
const RECENT_TEXTS = 8

/**
 * All rows of a recipe's texts.
 *
 * @param folder - where relative paths of texts begin
 * @throws {AppError} BAD_INPUT for a text that has changed, is empty, or shares its name with another evaluation text
 */
export async function tokenizeTexts(
  recipe: Recipe,
  texts: RunTexts,
  folder: string,
  vocabularySize: number
): Promise<TokenizedTexts> {
  const tokenizer = await ModelTokenizer.open(recipe.model)
  const tokenizerSha256 = await sha256File(join(recipe.model, 'tokenizer.json'))
  const { policy, context } = recipe
  const load = async (text: ResolvedText, rows: number): Promise<TokenRows> => {
    await assertTextUnchanged(text, folder)
    const key = [tokenizerSha256, text.sha256, text.kind, policy, context, rows, vocabularySize].join()
    return remembered(key, () => loadRows(tokenizer, text, folder, { policy, context, rows, vocabularySize }))
  }
  const calibration: TokenRows[] = []
  for (const text of texts.calibration) calibration.push(await load(text, recipe.calibration.rows))
  const evaluation: EvaluationText[] = []
  for (const text of texts.evaluation) {
    if (evaluation.some(({ name }) => name === text.name)) {
      throw badInput(`two evaluation texts are named ${text.name}; their perplexities could not be told apart`)
    }
    evaluation.push({ name: text.name, rows: await load(text, recipe.evaluation?.rows ?? 1) })
  }
  return { calibration: concatRows(calibration), evaluation }
}

async function remembered(key: string, load: () => Promise<TokenRows>): Promise<TokenRows> {
  const rows = recent.get(key) ?? (await load())
  recent.delete(key)
  recent.set(key, rows)
  const [oldest] = recent.keys()
  if (recent.size > RECENT_TEXTS && oldest !== undefined) recent.delete(oldest)
  return rows
}
