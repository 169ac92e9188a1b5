import { basename } from 'node:path'
import type { Finding, Severity } from '../../shared/findings'
import { describeRebuilt } from '../../shared/inspection'
import { count, plural } from '../../shared/plural'
import type { Recipe } from '../../shared/recipe'
import { FEW_TOKENS } from '../../shared/uncertainty'
import type { TokenRows } from '../calibration/rows'
import { seenRows } from '../calibration/seenRows'
import type { PreparedRun } from './preparedRun'
import type { RunTexts } from './tokenRequests'

/** Calibration tokens for each channel of the widest input, from which on more add little. */
const TOKENS_PER_CHANNEL = 4

/**
 * What a person should know of the texts before the work begins, and of the rows that are made of them.
 *
 * @param given - the texts themselves
 */
export function textWarnings(prepared: PreparedRun, given: RunTexts): (Finding | undefined)[] {
  return [
    asManyAsNeeded(prepared),
    fewTokens(prepared),
    fewRows(prepared),
    cutSamples(prepared),
    refusedSamples(prepared),
    printedParts(prepared),
    fewPredicted(prepared),
    sharedRows(prepared, given),
    emptyRows(prepared),
    templateDate(prepared),
    rebuiltTokenizer(prepared),
    withoutBegin(prepared)
  ]
}

/** What a plan tells is of the most rows that may be taken. */
function asManyAsNeeded({ recipe, enoughRows: found, calibration, variants }: PreparedRun): Finding | undefined {
  const { enough } = recipe.calibration
  if (enough === undefined || found !== undefined) return undefined
  const refined = variants.some(({ spec }) => spec.refine !== undefined)
    ? '; a refinement learns from these rows too, and may ask for more of them'
    : ''
  const message = `the run takes as many calibration rows as are enough, ${count(calibration.rows)} at most: memory, disk and time are for that many${refined}`
  return texts('ENOUGH_ROWS', 'info', message)
}

function fewTokens(prepared: PreparedRun): Finding | undefined {
  const { linears, calibration, recipe } = prepared
  const widest = Math.max(...linears.map(({ inFeatures }) => inFeatures))
  const wanted = TOKENS_PER_CHANNEL * widest
  if (calibration.rows === 0 || calibration.tokenCount >= wanted) return undefined
  const finding =
    calibration.tokenCount < widest
      ? texts(
          'FEW_TOKENS',
          'warning',
          `${count(calibration.tokenCount)} calibration tokens are fewer than the widest input has channels (${count(widest)}); four times as many are better: give more text or rows`
        )
      : texts(
          'FEW_TOKENS',
          'info',
          `${count(calibration.tokenCount)} calibration tokens are less than four times the channels of the widest input (${count(widest)}); more text or rows may give a better adapter`
        )
  const rows = enoughRows(calibration, wanted)
  const fix = { label: `Use ${plural(rows, 'row')}`, changes: [{ path: ['calibration', 'rows'], value: rows }] }
  return rows > recipe.calibration.rows ? { ...finding, fix } : finding
}

/** The least number of rows per text that gives so many tokens, or the most that there are. */
function enoughRows({ tokenCount, rows: present, available }: TokenRows, tokens: number): number {
  const perRow = tokenCount / present
  const most = Math.max(...available)
  const tokensOf = (rows: number): number => perRow * available.reduce((sum, count) => sum + Math.min(rows, count), 0)
  let rows = 1
  while (rows < most && tokensOf(rows) < tokens) rows++
  return rows
}

function fewRows({ calibration, recipe }: PreparedRun): Finding | undefined {
  const { rows: asked, enough } = recipe.calibration
  const { available } = calibration
  if (calibration.rows === 0 || enough !== undefined || available.every((rows) => rows >= asked)) return undefined
  const finding = texts('FEW_ROWS', 'info', fewRowsText(recipe, available))
  const most = Math.max(...available)
  if (most >= asked) return finding // fewer would be taken of the other texts, too
  const fix = { label: `Ask for ${plural(most, 'row')}`, changes: [{ path: ['calibration', 'rows'], value: most }] }
  return { ...finding, fix }
}

/** As many rows are asked of each text: of several, those that have fewer are named. */
function fewRowsText({ calibration, context }: Recipe, available: readonly number[]): string {
  const { rows: asked, files = [] } = calibration
  const rowsText = (rows: number): string => `${plural(rows, 'row')} of ${plural(context, 'token')}`
  const [only = 0, ...others] = available
  if (others.length === 0) return `the calibration text gives ${rowsText(only)}, ${count(asked)} were asked for`
  const called = files.map((file) => basename(file))
  // Files of one name are told apart by their folders.
  const names = new Set(called).size === files.length ? called : files
  // A text with another problem is left out: whose numbers these are is not known then.
  const nameOf = (i: number): string =>
    files.length === available.length ? (names[i] as string) : 'a calibration text'
  const short = available.flatMap((rows, i) => (rows < asked ? [`${nameOf(i)} gives ${rowsText(rows)}`] : []))
  return `${short.join(', ')}; ${count(asked)} of each text were asked for`
}

/** Rows with a sample that is longer: what is behind the context, often the answer, is neither seen nor predicted. */
function cutSamples({ calibration, evaluation, recipe, architecture }: PreparedRun): Finding | undefined {
  const all = [{ name: 'calibration', rows: calibration }, ...evaluation]
  const parts = all.flatMap(({ name, rows }) => {
    if (rows.cutOff === undefined) return []
    const seen = rows.lengths.reduce((sum, length) => sum + length, 0)
    const share = (100 * rows.cutOff.tokens) / (seen + rows.cutOff.tokens)
    return [`${name}: ${count(rows.cutOff.rows)} of ${plural(rows.rows, 'row')}, ${share.toFixed(1)} % of the tokens`]
  })
  if (parts.length === 0) return undefined
  const message = `samples that are longer than the context of ${plural(recipe.context, 'token')} are cut off: ${parts.join('; ')}`
  const longest = Math.max(...all.map(({ rows }) => rows.cutOff?.longest ?? 0))
  // Fewer are cut off in a row as long as the model's positions reach, though not all are whole.
  const context = Math.min(longest, architecture.contextLimit)
  const finding = texts('CUT_SAMPLES', 'info', message)
  if (context <= recipe.context) return finding
  return {
    ...finding,
    fix: { label: `Use ${plural(context, 'token')}`, changes: [{ path: ['context'], value: context }] }
  }
}

/** Sets of conversations hold some that begin with an answer, say, which many templates refuse. */
function refusedSamples({ calibration, evaluation }: PreparedRun): Finding | undefined {
  const refused = [calibration, ...evaluation.map(({ rows }) => rows)].flatMap((rows) => rows.refused ?? [])
  if (refused.length === 0) return undefined
  const parts = refused.map((text) => `${count(text.count)} of ${count(text.samples)} (${text.first})`)
  const message = `conversations that the chat template refuses, or whose responses it does not tell, are left out: ${parts.join('; ')}`
  return texts('REFUSED_SAMPLES', 'warning', message)
}

/** What a trainer would tokenize too, but hardly what is meant. */
function printedParts({ calibration, evaluation }: PreparedRun): Finding | undefined {
  const printed = [calibration, ...evaluation.map(({ rows }) => rows)].flatMap((rows) => rows.printed ?? [])
  if (printed.length === 0) return undefined
  const parts = printed.map((text) => `${count(text.count)} of ${count(text.samples)} (${text.first})`)
  const message = `conversations whose lists of parts the chat template, which reads texts alone, writes as Python prints a list: ${parts.join('; ')}; give what such turns say as a text`
  return texts('PRINTED_PARTS', 'warning', message)
}

/** Evaluation texts of so few predicted tokens, or rows, that their perplexity is uncertain. */
function fewPredicted({ evaluation, recipe }: PreparedRun): Finding | undefined {
  const few = evaluation
    .map(({ name, rows }) => ({ name, rows, tokens: predictedTokens(rows) }))
    .filter(({ rows, tokens }) => rows.rows > 0 && (tokens < FEW_TOKENS || rows.rows < 2))
  if (few.length === 0) return undefined
  const parts = few.map(
    ({ name, rows, tokens }) => `${name}: ${count(tokens)} predicted tokens in ${plural(rows.rows, 'row')}`
  )
  const message = `few tokens to measure perplexity on (${parts.join('; ')}): with fewer than ${count(FEW_TOKENS)} it is uncertain, and a single row gives no standard error; give more text or rows`
  const finding = texts('FEW_EVALUATION_TOKENS', 'warning', message)
  // The first token of a row is predicted by nothing: a row has as many more tokens.
  const rows = Math.max(...few.map(({ rows, tokens }) => enoughRows({ ...rows, tokenCount: tokens }, FEW_TOKENS)))
  const fix = { label: `Evaluate ${plural(rows, 'row')}`, changes: [{ path: ['evaluation', 'rows'], value: rows }] }
  return rows > (recipe.evaluation?.rows ?? 0) ? { ...finding, fix } : finding
}

/** Evaluation texts that are calibrated on as a whole: a plan says so of each. */
export const sameTexts = ({ calibration, evaluation }: RunTexts): RunTexts['evaluation'] =>
  evaluation.filter(({ sha256 }) => calibration.some((text) => text.sha256 === sha256))

/** Two files, or two samplings of one, may hold the same texts. */
function sharedRows({ calibration, evaluation }: PreparedRun, given: RunTexts): Finding | undefined {
  const same = sameTexts(given)
  const parts = evaluation
    .filter((text) => !same.some(({ name }) => name === text.name))
    .map(({ name, rows }) => ({ name, rows: rows.rows, seen: seenRows(calibration, rows) }))
    .filter(({ seen }) => seen > 0)
    .map(({ name, rows, seen }) => `${count(seen)} of ${plural(rows, 'row')} of ${name}`)
  if (parts.length === 0) return undefined
  const message = `evaluation rows that stand in the calibration rows too, wholly or for the most part (${parts.join('; ')}): perplexity will look better than that of new text`
  return texts('SHARED_ROWS', 'warning', message)
}

/** Tokens that are predicted: all that count but the first of each row. A guess where the tokens are not read. */
function predictedTokens({ counted, context, tokenCount, rows }: TokenRows): number {
  if (counted.length === 0) return tokenCount - rows
  return counted.reduce((sum, value, i) => sum + (i % context === 0 ? 0 : value), 0)
}

/** Rows of which nothing counts: their responses were cut off, or lie in other rows. */
function emptyRows({ calibration, evaluation, recipe }: PreparedRun): Finding | undefined {
  if (recipe.calibrateOn === 'all' && recipe.lossOn === 'all') return undefined
  const parts = [{ name: 'calibration', rows: calibration }, ...evaluation].flatMap(({ name, rows }) => {
    const empty = Array.from({ length: rows.rows }, (_, row) => row).filter((row) => !countsAny(rows, row))
    const [first] = empty
    return first === undefined
      ? []
      : [`${name}: ${count(empty.length)} of ${plural(rows.rows, 'row')}, the first is row ${count(first + 1)}`]
  })
  if (parts.length === 0) return undefined
  return texts('EMPTY_ROWS', 'warning', `rows without a position that counts: ${parts.join('; ')}`)
}

const countsAny = ({ counted, context }: TokenRows, row: number): boolean =>
  counted.length === 0 || counted.subarray(row * context, (row + 1) * context).includes(1)

/** Without a word of it, two runs of one recipe on two days would differ for no reason that can be seen. */
function templateDate({ renderedAsOf }: PreparedRun): Finding | undefined {
  if (renderedAsOf === undefined) return undefined
  const message = `the chat template writes the date: conversations are rendered as of ${renderedAsOf}, and a run keeps its day`
  return texts('TEMPLATE_DATE', 'info', message)
}

/** The trainer's tokens decide what the adapter is good for. */
function rebuiltTokenizer({ rebuilt }: PreparedRun): Finding | undefined {
  return (
    rebuilt && { code: 'TOKENIZER_REBUILT', severity: 'warning', subject: 'model', message: describeRebuilt(rebuilt) }
  )
}

/**
 * Models of the Gemma families predict any text badly that does not begin with their first token; others hardly mind.
 *
 * Source: lm-evaluation-harness 0.4 (models/huggingface.py), which puts it there for these families alone.
 */
function withoutBegin({ architecture, missingBegin, recipe }: PreparedRun): Finding | undefined {
  if (missingBegin === undefined || recipe.policy !== 'packed' || !/^gemma/.test(architecture.family)) return undefined
  const message =
    `packed rows lack ${missingBegin}, which the tokenizer puts before a text and without which Gemma predicts badly: ` +
    'perplexities and what is calibrated on are not those of the model in use; padded rows begin with it'
  const fix = { label: 'Use padded rows', changes: [{ path: ['policy'], value: 'padded' }] }
  return { ...texts('NO_BEGIN', 'warning', message), fix }
}

/** That nothing will prove what was gained. */
export const noEvaluation = ({ recipe }: PreparedRun): Finding | undefined =>
  recipe.evaluation === undefined
    ? texts('NO_EVALUATION', 'warning', 'no evaluation text: perplexity will not be measured')
    : undefined

const texts = (code: string, severity: Severity, message: string): Finding => ({
  code,
  severity,
  subject: 'texts',
  message
})
