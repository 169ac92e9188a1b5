import { join } from 'node:path'
import { badInput } from '../../shared/errors'
import { leaveOut } from '../../shared/findings'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { concatRows, cutRows, encodeText, type TokenRows } from '../calibration/rows'
import { ModelTokenizer } from '../calibration/tokenizer'
import { sha256File } from '../formats/files'
import { attempt, type Report } from './problems'
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

/** Tokens of the texts last used: a plan and the run that follows it, or one plan after another, need the same ones. */
const recent = new Map<string, readonly Int32Array[]>()
const RECENT_TOKENS = 2 ** 23

/**
 * All rows of a recipe's texts.
 *
 * @param folder - where relative paths of texts begin
 * @param report - receives a text that cannot be used, which is left out when it returns
 * @throws {AppError} BAD_INPUT for a text that has changed, is empty, or shares its name with another evaluation text
 */
export async function tokenizeTexts(
  recipe: Recipe,
  texts: RunTexts,
  folder: string,
  vocabularySize: number,
  report: Report
): Promise<TokenizedTexts> {
  const opened = await attempt(report, { code: 'TOKENIZER', subject: 'model' }, async () => ({
    tokenizer: await ModelTokenizer.open(recipe.model),
    sha256: await sha256File(join(recipe.model, 'tokenizer.json'))
  }))
  if (opened === undefined) return { calibration: concatRows([]), evaluation: [] }
  const { policy, context } = recipe
  const load = (role: 'calibration' | 'evaluation', text: ResolvedText) =>
    attempt(report, { code: 'TEXT', subject: 'texts', fix: leaveOut(recipe, role, text.path) }, async () => {
      await assertTextUnchanged(text, folder)
      const key = [opened.sha256, text.sha256, text.kind, policy].join()
      const tokens = await remembered(key, () => encodeText(opened.tokenizer, text, folder, policy))
      const rows = recipe[role]?.rows ?? 1
      return cutRows(tokens, text.name, opened.tokenizer.padId, { policy, context, rows, vocabularySize })
    })
  const calibration: TokenRows[] = []
  for (const text of texts.calibration) {
    const rows = await load('calibration', text)
    if (rows !== undefined) calibration.push(rows)
  }
  const evaluation: EvaluationText[] = []
  for (const text of texts.evaluation) {
    if (evaluation.some(({ name }) => name === text.name)) {
      throw badInput(`two evaluation texts are named ${text.name}; their perplexities could not be told apart`)
    }
    const rows = await load('evaluation', text)
    if (rows !== undefined) evaluation.push({ name: text.name, rows })
  }
  return { calibration: concatRows(calibration), evaluation }
}

async function remembered(key: string, encode: () => Promise<readonly Int32Array[]>): Promise<readonly Int32Array[]> {
  const tokens = recent.get(key) ?? (await encode())
  recent.delete(key)
  recent.set(key, tokens)
  for (const oldest of recent.keys()) {
    if ([...recent.values()].reduce((sum, list) => sum + countTokens(list), 0) <= RECENT_TOKENS) break
    recent.delete(oldest)
  }
  return tokens
}

const countTokens = (tokens: readonly Int32Array[]): number => tokens.reduce((sum, { length }) => sum + length, 0)
