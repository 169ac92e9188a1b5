import { resolve } from 'node:path'
import { badInput, deserializeError, serializeError } from '../../shared/errors'
import { countAll, leaveOut } from '../../shared/findings'
import { plural } from '../../shared/plural'
import type { OnProgress } from '../../shared/progress'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { readRenderingTemplates } from '../calibration/chatTemplate'
import { type Counting, concatRows, countPositions, cutRows, type TokenRows } from '../calibration/rows'
import { sha256File } from '../formats/files'
import { encodeForRun, openTexts, type TextEncoder } from './encodedTexts'
import { attempt, type Report, throwProblem } from './problems'
import { apart } from './tokenizedApart'
import type { HelperOptions } from './tokenizerHelper'
import type { FoundProblem, TokenizerApi } from './tokenizerProtocol'
import type { EvaluationText, RunTexts, TokenizedTexts, TokenizeRequest } from './tokenRequests'

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
    })),
    bytesAtATime: 0
  }
}

/**
 * All rows of a recipe's texts, by the helper that tokenizes where there is one.
 *
 * @param report - receives a text that cannot be used, which is left out when it returns
 * @param options - progress tells which text is tokenized, and how far it is
 * @throws {AppError} BAD_INPUT for a text that has changed, is empty, or shares its name with another evaluation text
 */
export async function tokenizeTexts(
  request: TokenizeRequest,
  report: Report,
  options: HelperOptions = {}
): Promise<TokenizedTexts> {
  const first = report === throwProblem
  const here = () => tokenizeCollecting(request, first, options.onProgress)
  const { tokenized, problems } = await apart('tokenize', { ...request, first }, here, options)
  for (const { problem, error } of problems) report(problem, error && deserializeError(error))
  if (request.recipe.calibration.enough === undefined) return tokenized
  const cutCalibration = (rows: number, draw: number): Promise<TokenRows> =>
    apart('cut', { ...request, rows, draw }, () => cutAgain(request, rows, draw), options)
  return { ...tokenized, cutCalibration }
}

/** Ends at the first problem. */
class Enough extends Error {}

/** `tokenizeTexts` in this process, with the problems that were found; only the `first` one where that is asked. */
export async function tokenizeCollecting(
  request: TokenizeRequest,
  first: boolean,
  onProgress?: OnProgress
): Promise<TokenizerApi['tokenize']['output']> {
  const problems: FoundProblem[] = []
  const report: Report = (problem, error) => {
    problems.push({ problem, error: error && serializeError(error) })
    if (first) throw new Enough()
  }
  try {
    return { tokenized: await tokenizeHere(request, report, onProgress), problems }
  } catch (error) {
    if (!(error instanceof Enough)) throw error
    return { tokenized: { calibration: concatRows([]), evaluation: [], bytesAtATime: 0 }, problems }
  }
}

async function tokenizeHere(
  request: TokenizeRequest,
  report: Report,
  onProgress?: OnProgress
): Promise<Omit<TokenizedTexts, 'cutCalibration'>> {
  const { recipe, texts, day } = request
  const opened = await attempt(report, { code: 'TOKENIZER', subject: 'model' }, () => openTexts(recipe.model))
  if (opened === undefined) return { calibration: concatRows([]), evaluation: [], bytesAtATime: 0 }
  let bytesAtATime = 0
  const load = async (role: Role, text: ResolvedText) => {
    const { rows = 1, draw = 0 } = recipe[role] ?? {}
    const lacksTurns = text.kind !== 'messages' && countingOf(recipe, role).on !== 'all'
    const fix = lacksTurns ? countAll(role) : leaveOut(recipe, role, text.path)
    const problem = { code: 'TEXT', subject: 'texts', fix } as const
    // Of as many rows as are enough, the most that it could be matters: how many there are.
    const from = role === 'calibration' && recipe.calibration.enough !== undefined ? 0 : draw
    const cut = await attempt(report, problem, () =>
      rowsOf(opened, request, { role, text, rows, draw: from }, onProgress)
    )
    bytesAtATime = Math.max(bytesAtATime, cut?.atATime ?? 0)
    return cut?.rows
  }
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
  const { tables, facts } = opened.tokenizer
  const { rebuilt } = facts
  const missingBegin = missingBeginOf(opened, [...calibration, ...evaluation.map(({ rows }) => rows)])
  return { calibration: concatRows(calibration), evaluation, bytesAtATime, tables, renderedAsOf, rebuilt, missingBegin }
}

function missingBeginOf({ tokenizer }: TextEncoder, texts: readonly TokenRows[]): string | undefined {
  const { before, bos } = tokenizer.facts
  const begin = before.find(({ id }) => id === bos?.id)
  return begin !== undefined && texts.some(({ ids }) => !ids.includes(begin.id)) ? begin.text : undefined
}

/** Other numbers and choices of the calibration rows of the same texts. @throws {AppError} as `tokenizeTexts` */
export async function cutAgain(request: TokenizeRequest, rows: number, draw: number): Promise<TokenRows> {
  const opened = await openTexts(request.recipe.model)
  const parts: TokenRows[] = []
  for (const text of request.texts.calibration)
    parts.push((await rowsOf(opened, request, { role: 'calibration', text, rows, draw })).rows)
  return concatRows(parts)
}

type Role = 'calibration' | 'evaluation'

interface AskedRows {
  readonly role: Role
  readonly text: ResolvedText
  readonly rows: number
  readonly draw: number
}

async function rowsOf(
  opened: TextEncoder,
  { recipe, folder, vocabularySize, day }: TokenizeRequest,
  { role, text, rows, draw }: AskedRows,
  onProgress?: OnProgress
): Promise<{ rows: TokenRows; atATime: number }> {
  const { policy, context } = recipe
  await assertTextUnchanged(text, folder)
  const counting = countingOf(recipe, role)
  const tokens = await encodeForRun(opened, text, folder, policy, counting.on !== 'all', day, onProgress)
  const options = { policy, context, rows, draw, vocabularySize }
  const cut = await cutRows(tokens, text.name, opened.tokenizer.padId, options)
  return { rows: countSome(cut, counting, text.name, role), atATime: tokens.atATime }
}

async function readsDate(model: string, { calibration, evaluation }: RunTexts): Promise<boolean> {
  if (![...calibration, ...evaluation].some(({ kind }) => kind === 'messages')) return false
  return (await readRenderingTemplates(model))?.readsDate ?? false
}

/** What of a text counts: in H for calibration, as targets of the loss for evaluation. */
const countingOf = ({ lossOn, calibrateOn, firstToken }: Recipe, role: Role): Counting =>
  role === 'calibration' ? { on: calibrateOn, firstToken } : { on: lossOn, firstToken: 'include' }

/** @throws {AppError} BAD_INPUT when nothing of the text counts */
function countSome(rows: TokenRows, counting: Counting, name: string, role: Role): TokenRows {
  const counted = countPositions(rows, counting)
  const targets = counted.counted.some((value, i) => value === 1 && (role === 'calibration' || i % rows.context > 0))
  if (targets) return counted
  const what = counting.on === 'prompts' ? 'prompt' : 'response'
  throw badInput(
    `${name}: none of its ${plural(rows.rows, 'row')} of ${plural(rows.context, 'token')} has a position of a ${what} that counts; ` +
      'give a larger context or other conversations, or count all positions'
  )
}

/** @throws {AppError} BAD_INPUT when a text is no longer what the run was created with */
async function assertTextUnchanged({ path, sha256 }: ResolvedText, folder: string): Promise<void> {
  const file = resolve(folder, path)
  if ((await sha256File(file)) !== sha256) {
    throw badInput(
      `${file} has changed since the run was created (sha256 was ${sha256.slice(0, 16)}…): put it back as it was, or start a new run`
    )
  }
}
