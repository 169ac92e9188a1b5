import { z } from 'zod'
import { AcceptanceResult } from './acceptance'
import { DEVICES } from './devices'
import { EnoughRows } from './enoughRows'
import { RankChoice } from './rankBudget'
import { Recipe } from './recipe'
import { RefinementResult } from './refinement'
import { DeviceFailure, LayerResult, Perplexities, VariantResult } from './runEvents'
import { SweepDefinition, SweepMember } from './sweep'

/*
 * What lies in `runs/<id>/`: enough to resume the run, and to rebuild its rows in the database.
 *
 *   run.json       RunRecord: written before anything else, and anew where the adapters are to go elsewhere
 *   labels.json    RunLabels: written whenever a person changes one of them
 *   journal.jsonl  one JournalEntry per finished step, appended and synced after everything that it names
 *   rows.json      RowLosses: written once perplexity is measured
 *   result.json    RunOutcome: written when the run ends
 *   tokens.sha256  SHA-256 of the tokens that the run began with: written before the first block
 *   recipe.sha256  SHA-256 of what the recipe said of adapters when the run began: written before the first block
 *   numerics.sha256  SHA-256 of what decides how the run is computed: written before the first block
 *   enough.json    FoundRows: written before the first block, where the recipe asks how many rows are enough
 *   lock           the process that works on the run now
 *   inputs/        samples of stored calibration sets, one JSON object {"text": …} per line
 *   factors/       lora_A and lora_B of each finished block
 *   spool/         hidden states after the last finished block; removed when the run is completed
 */
export const RUN_FILES = {
  record: 'run.json',
  labels: 'labels.json',
  journal: 'journal.jsonl',
  rows: 'rows.json',
  outcome: 'result.json',
  tokens: 'tokens.sha256',
  recipe: 'recipe.sha256',
  numerics: 'numerics.sha256',
  enough: 'enough.json',
  weights: 'weights.stamp',
  lock: 'lock',
  inputs: 'inputs',
  factors: 'factors',
  spool: 'spool'
} as const

/** A text as the engine reads it. `samples` files hold one JSON object with a string `text` per line; in
 * `messages` files that text is a conversation as JSON (its turns, or an object with `messages`, `tools` and
 * `documents`), which the model's own chat template renders. */
export const ResolvedText = z.strictObject({
  name: z.string().describe('base name, the key of its perplexities'),
  path: z.string().describe('absolute, or relative to the run folder when it lies in inputs/'),
  kind: z.enum(['text', 'samples', 'messages']),
  bytes: z.int(),
  sha256: z.string(),
  chatTemplateSha256: z.string().optional().describe('of the template that renders `messages`')
})
export type ResolvedText = z.infer<typeof ResolvedText>

export const RunRecord = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  createdAtMs: z.number(),
  quailVersion: z.string(),
  recipe: Recipe,
  out: z.string().describe('absolute path of the output directory'),
  outIsAdapter: z.boolean().describe('the one adapter is written to `out` itself, not to a directory inside'),
  calibration: z.array(ResolvedText).min(1),
  evaluation: z.array(ResolvedText),
  sweep: SweepMember.optional().describe('of a run that is part of a sweep')
})
export type RunRecord = z.infer<typeof RunRecord>

/** What a person may call a run; an empty one stands for that of its recipe. */
export const RunName = z.string().max(120, 'a name has at most 120 characters')

/** What a person may write beside a run. */
export const RunNotes = z.string().max(20_000)
export const RunTags = z.array(z.string().trim().min(1).max(60)).max(50)

/** What people call a run and write beside it: nothing of it decides a result. */
export const RunLabels = z.strictObject({
  version: z.literal(1),
  name: z
    .string()
    .max(1000)
    .nullable()
    .describe('its own name, of a run of a sweep with its place; null: that of its recipe'),
  notes: RunNotes,
  tags: RunTags,
  sweep: SweepDefinition.shape.name.optional().describe('what the sweep that it is part of is called')
})
export type RunLabels = z.infer<typeof RunLabels>

/** SHA-256 digests of one quantized linear; see engine/quantizers/fingerprint.ts for the exact bytes. */
export const LinearFingerprint = z.strictObject({ name: z.string(), codes: z.string(), absmax: z.string() })
export type LinearFingerprint = z.infer<typeof LinearFingerprint>

/** What every finished step of a run says of itself. */
const step = {
  block: z.int(),
  durationMs: z.number(),
  device: z.enum(DEVICES).optional().describe('where it was computed; runs of older versions lack it'),
  deviceFailure: z.string().optional().describe('why it was not computed on the device of the recipe')
}

const WrittenFile = z.strictObject({ file: z.string(), sha256: z.string() })
/** A safetensors file of a run's folder. */
export type WrittenTensors = z.infer<typeof WrittenFile>

/** What errors at the outputs of all linears count, measured in one step. */
export const MeasuredCurvature = z.strictObject({
  pass: z.literal('curvature'),
  ...step,
  files: z.array(WrittenFile).describe('by block'),
  ranks: z
    .record(z.string(), z.record(z.string(), z.int().min(1)))
    .optional()
    .describe('variant with a rank budget → path of a linear → its rank')
})
export type MeasuredCurvature = z.infer<typeof MeasuredCurvature>

const VariantLayer = z.strictObject({ variant: z.string(), result: LayerResult })

/** A block whose linears are quantized and whose factors are found. */
export const SolvedBlock = z.strictObject({
  pass: z.literal('solve').default('solve').describe('runs of older versions lack it'),
  ...step,
  factors: z.strictObject({ file: z.string(), sha256: z.string() }),
  spool: z.array(z.strictObject({ stream: z.string(), file: z.string(), bytes: z.int(), sha256: z.string() })),
  fingerprints: z.record(z.string(), z.array(LinearFingerprint)).describe('quantizer key → its linears'),
  results: z.array(VariantLayer),
  uniform: z
    .array(VariantLayer)
    .optional()
    .describe('of variants with a rank budget: the same with one rank everywhere'),
  moments: z
    .string()
    .optional()
    .describe('label of the second moments, where they are used or kept (engine/run/momentKeeper.ts)')
})
export type SolvedBlock = z.infer<typeof SolvedBlock>

/** Whether a variant's linears keep ranks of their own, once every layer was seen. */
export const ChosenRanks = z.strictObject({
  pass: z.literal('choose'),
  ...step,
  block: z.int().describe('number of the entry among all of the pass'),
  variant: z.string(),
  result: RankChoice
})
export type ChosenRanks = z.infer<typeof ChosenRanks>

/** What was kept of a variant's adapter because it helps. */
export const AcceptedVariant = z.strictObject({
  pass: z.literal('accept'),
  ...step,
  block: z.int().describe('number of the entry among all of the pass'),
  variant: z.string(),
  result: AcceptanceResult,
  factors: WrittenFile.optional().describe('those that are kept; without it all that the method found')
})
export type AcceptedVariant = z.infer<typeof AcceptedVariant>

/** Some steps of the refinement of one variant, and what the held-out rows said after them; the first entry has none. */
export const RefinedSteps = z.strictObject({
  pass: z.literal('refine'),
  ...step,
  block: z.int().describe('number of the entry among all of the pass'),
  variant: z.string(),
  result: RefinementResult.describe('so far'),
  state: WrittenFile.optional().describe('to go on from; the last entry of a variant has none'),
  factors: WrittenFile.optional().describe('the factors that are kept; without it those that the method found')
})
export type RefinedSteps = z.infer<typeof RefinedSteps>

/** A block through which the evaluation rows went under the refined variants. */
export const AdvancedBlock = z.strictObject({
  pass: z.literal('advance'),
  ...step,
  spool: SolvedBlock.shape.spool
})
export type AdvancedBlock = z.infer<typeof AdvancedBlock>

/** The measurement behind the last block. */
const EvaluatedModel = z.strictObject({
  pass: z.literal('evaluate'),
  ...step,
  rows: z.string().describe('SHA-256 of rows.json')
})
export type EvaluatedModel = z.infer<typeof EvaluatedModel>

/** A finished step: one block of one pass (engine/run/pass.ts). */
export const JournalEntry = z.union([
  MeasuredCurvature,
  SolvedBlock,
  ChosenRanks,
  AcceptedVariant,
  RefinedSteps,
  AdvancedBlock,
  EvaluatedModel
])
export type JournalEntry = z.infer<typeof JournalEntry>

/**
 * The entries of a journal's text up to the first line that is none: the last may have been cut off by a kill.
 *
 * @returns `torn`: that line; undefined where all lines are entries
 */
export function parseJournal(text: string): { readonly entries: JournalEntry[]; readonly torn: string | undefined } {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const entries: JournalEntry[] = []
  for (const line of lines) {
    const entry = parseEntry(line)
    if (entry === undefined) return { entries, torn: line }
    entries.push(entry)
  }
  return { entries, torn: undefined }
}

function parseEntry(line: string): JournalEntry | undefined {
  try {
    return JournalEntry.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

export const solvedBlocks = (journal: readonly JournalEntry[]): SolvedBlock[] =>
  journal.filter((entry) => entry.pass === 'solve')

/** What became of the refinement of each variant that has one, by name: its last entry. */
export const refinedVariants = (journal: readonly JournalEntry[]): Map<string, RefinedSteps> =>
  new Map(journal.flatMap((entry) => (entry.pass === 'refine' ? [[entry.variant, entry] as const] : [])))

/** What became of the rank budget of each variant that has one, by name. */
export const chosenRanks = (journal: readonly JournalEntry[]): Map<string, RankChoice> =>
  new Map(journal.flatMap((entry) => (entry.pass === 'choose' ? [[entry.variant, entry.result] as const] : [])))

/** What was kept of each variant that was asked about, by name. */
export const acceptedVariants = (journal: readonly JournalEntry[]): Map<string, AcceptedVariant> =>
  new Map(journal.flatMap((entry) => (entry.pass === 'accept' ? [[entry.variant, entry] as const] : [])))

const RowsOfSubject = z.strictObject({
  loss: z.array(z.number()).describe('Σ −log p(token), nats'),
  klDivergence: z.array(z.number()).describe('Σ KL(full precision ‖ this), nats'),
  sameTopToken: z.array(z.int()).describe('tokens whose most probable next token is that of full precision')
})

/** Sums over the predicted tokens of each row of one evaluation text, in the order of the rows. */
export const RowsOfText = z.strictObject({
  tokens: z.array(z.int()).describe('predicted tokens'),
  fullPrecision: RowsOfSubject.pick({ loss: true }),
  quantizers: z.record(z.string(), RowsOfSubject),
  variants: z.record(z.string(), RowsOfSubject)
})
export type RowsOfText = z.infer<typeof RowsOfText>

/** What every perplexity, divergence and standard error of a run is computed from. */
export const RowLosses = z.strictObject({ version: z.literal(1), texts: z.record(z.string(), RowsOfText) })
export type RowLosses = z.infer<typeof RowLosses>

/** How many calibration rows were found to be enough. */
export const FoundRows = z.strictObject({
  of: z.string().describe('SHA-256 of the texts, recipe, model and version that they were found of'),
  enough: EnoughRows
})
export type FoundRows = z.infer<typeof FoundRows>

export const RunOutcome = z.strictObject({
  version: z.literal(1),
  status: z.enum(['completed', 'cancelled', 'failed']),
  finishedAtMs: z.number(),
  perplexity: z.record(z.string(), Perplexities),
  variants: z.array(VariantResult),
  deviceFailure: DeviceFailure.optional(),
  error: z.object({ code: z.string(), message: z.string(), stack: z.string().optional() }).optional()
})
export type RunOutcome = z.infer<typeof RunOutcome>
