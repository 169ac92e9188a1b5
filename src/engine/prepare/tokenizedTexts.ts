import { resolve } from 'node:path'
import type { CalendarDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import { leaveOut } from '../../shared/findings'
import type { RebuiltFacts } from '../../shared/inspection'
import type { OnProgress } from '../../shared/progress'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { readRenderingTemplates } from '../calibration/chatTemplate'
import { type Counting, concatRows, countPositions, cutRows, type TokenRows } from '../calibration/rows'
import { sha256File } from '../formats/files'
import { encodeForRun, openTexts } from './encodedTexts'
import { attempt, type Report } from './problems'

export interface EvaluationText {
  readonly name: string
  readonly rows: TokenRows
}

export interface RunTexts {
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
}

export interface TokenizedTexts {
  /** Where the recipe asks how many rows are enough, the most that it could be. */
  readonly calibration: TokenRows
  /** Other numbers and choices of calibration rows of the same texts; missing where nobody asks for them. */
  readonly cutCalibration?: ((rows: number, draw: number) => TokenRows) | undefined
  readonly evaluation: readonly EvaluationText[]
  /** The day that the chat template wrote as today; missing where it writes none. */
  readonly renderedAsOf?: CalendarDay | undefined
  /** Where AutoTokenizer of transformers 5 cuts texts otherwise. */
  readonly rebuilt?: RebuiltFacts | undefined
}

/** Bytes of text for one token, roughly: for a first idea of a plan, before the texts are tokenized. */
const BYTES_PER_TOKEN = 4

/** The number of rows that the texts will give, guessed from their sizes; the tokens themselves are missing. */
export function guessTexts(recipe: Recipe, texts: RunTexts): TokenizedTexts {
  const guess = ({ bytes }: ResolvedText, asked: number): TokenRows => {
    const { context } = recipe
    const available = Math.max(1, Math.floor(bytes / BYTES_PER_TOKEN / context))
    const rows = Math.min(asked, available)
    const none = new Int32Array()
    return {
      context,
      rows,
      ids: none,
      lengths: none,
      counted: new Uint8Array(),
      tokenCount: rows * context,
      available: [available]
    }
  }
  const calibration = texts.calibration.map((text) => guess(text, recipe.calibration.rows))
  return {
    calibration: {
      context: recipe.context,
      rows: calibration.reduce((sum, { rows }) => sum + rows, 0),
      ids: new Int32Array(),
      lengths: new Int32Array(),
      counted: new Uint8Array(),
      tokenCount: calibration.reduce((sum, { tokenCount }) => sum + tokenCount, 0),
      available: calibration.flatMap(({ available }) => available)
    },
    evaluation: texts.evaluation.map((text) => ({
      name: text.name,
      rows: guess(text, recipe.evaluation?.rows ?? 1)
    }))
  }
}

/**
 * All rows of a recipe's texts.
 *
 * @param folder - where relative paths of texts begin
 * @param day - what chat templates write as today
 * @param report - receives a text that cannot be used, which is left out when it returns
 * @param onProgress - told which text is tokenized, and how far it is
 * @throws {AppError} BAD_INPUT for a text that has changed, is empty, or shares its name with another evaluation text
 */
export async function tokenizeTexts(
  recipe: Recipe,
  texts: RunTexts,
  folder: string,
  vocabularySize: number,
  day: CalendarDay,
  report: Report,
  onProgress?: OnProgress
): Promise<TokenizedTexts> {
  const opened = await attempt(report, { code: 'TOKENIZER', subject: 'model' }, () => openTexts(recipe.model))
  if (opened === undefined) return { calibration: concatRows([]), evaluation: [] }
  const { policy, context } = recipe
  const { enough } = recipe.calibration
  const cuts: ((rows: number, draw: number) => TokenRows)[] = []
  const load = (role: 'calibration' | 'evaluation', text: ResolvedText) =>
    attempt(report, { code: 'TEXT', subject: 'texts', fix: leaveOut(recipe, role, text.path) }, async () => {
      await assertTextUnchanged(text, folder)
      const counting = countingOf(recipe, role)
      const tokens = await encodeForRun(opened, text, folder, policy, counting.on !== 'all', day, onProgress)
      const cut = (rows: number, draw: number): TokenRows => {
        const options = { policy, context, rows, draw, vocabularySize }
        return countSome(cutRows(tokens, text.name, opened.tokenizer.padId, options), counting, text.name, role)
      }
      const { rows = 1, draw = 0 } = recipe[role] ?? {}
      if (role === 'evaluation' || enough === undefined) return cut(rows, draw)
      cuts.push(cut)
      return cut(rows, 0) // how many there are is what matters of the most that it could be
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
  const renderedAsOf = (await readsDate(recipe.model, texts)) ? day : undefined
  const cutCalibration =
    enough === undefined ? undefined : (rows: number, draw: number) => concatRows(cuts.map((cut) => cut(rows, draw)))
  const { rebuilt } = opened.tokenizer.facts
  return { calibration: concatRows(calibration), cutCalibration, evaluation, renderedAsOf, rebuilt }
}

async function readsDate(model: string, { calibration, evaluation }: RunTexts): Promise<boolean> {
  if (![...calibration, ...evaluation].some(({ kind }) => kind === 'messages')) return false
  return (await readRenderingTemplates(model))?.readsDate ?? false
}

/** What of a text counts: in H for calibration, as targets of the loss for evaluation. */
const countingOf = ({ lossOn, calibrateOn, firstToken }: Recipe, role: 'calibration' | 'evaluation'): Counting =>
  role === 'calibration' ? { on: calibrateOn, firstToken } : { on: lossOn, firstToken: 'include' }

/** @throws {AppError} BAD_INPUT when nothing of the text counts */
function countSome(rows: TokenRows, counting: Counting, name: string, role: 'calibration' | 'evaluation'): TokenRows {
  const counted = countPositions(rows, counting)
  const targets = counted.counted.some((value, i) => value === 1 && (role === 'calibration' || i % rows.context > 0))
  if (targets) return counted
  const what = counting.on === 'prompts' ? 'prompt' : 'response'
  throw badInput(
    `${name}: none of its ${rows.rows} rows of ${rows.context} tokens has a position of a ${what} that counts; ` +
      'give a larger context or other conversations, or count all positions'
  )
}

/** @throws {AppError} BAD_INPUT when a text is no longer what the run was created with */
async function assertTextUnchanged({ path, sha256 }: ResolvedText, folder: string): Promise<void> {
  const file = resolve(folder, path)
  if ((await sha256File(file)) !== sha256) {
    throw badInput(
      `${file} has changed since the run was created (sha256 was ${sha256.slice(0, 16)}…): start a new run`
    )
  }
}
