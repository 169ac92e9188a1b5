import { z } from 'zod'
import { AcceptanceResult } from './acceptance'
import { DEVICES } from './devices'
import { EnoughRows } from './enoughRows'
import { KeptMoments } from './keptMoments'
import { RankChoice } from './rankBudget'
import { RefinementResult } from './refinement'

/*
 * What a run reports. The engine emits drafts; the worker stamps them with run, seq and time; the store keeps them; the
 * command line and the window show them. Exactly one `finished` ends a run, always last.
 */

export const Phase = z.enum([
  'reading',
  'weighing',
  'embedding',
  'blocks',
  'choosing',
  'refining',
  'evaluating',
  'exporting'
])
export type Phase = z.infer<typeof Phase>

export const RunStatus = z.enum(['queued', 'running', 'interrupted', 'cancelled', 'failed', 'completed'])
export type RunStatus = z.infer<typeof RunStatus>

const SerializedError = z.object({ code: z.string(), message: z.string(), stack: z.string().optional() })

/**
 * The values of E before and after the correction, counted in bins of equal width from −range to range: of a linear of more
 * than a million weights, those of every second row, or third, or whichever keeps it to that.
 */
export const ErrorHistogram = z.object({
  range: z.number().describe('half width, unit of W; what lies beyond is counted in the outermost bins'),
  before: z.array(z.int()).describe('E = W − Q'),
  after: z.array(z.int()).describe('R = E − s·B·A, with the adapter as stored')
})
export type ErrorHistogram = z.infer<typeof ErrorHistogram>

/** The input channels with the largest second moment: errors in their columns of E cost most. */
export const InputChannels = z.object({
  mean: z.number().describe('mean of diag H'),
  top: z.array(z.object({ index: z.int(), value: z.number().describe('E[x²] of the channel') }))
})
export type InputChannels = z.infer<typeof InputChannels>

/** Proof for one linear and one variant. Losses are tr(R H Rᵀ), R = E − s·B·A as stored, H the mean over tokens. */
export const LayerResult = z.object({
  name: z.string().describe('module path, as in PEFT'),
  shape: z.tuple([z.int(), z.int()]).describe('[out, in]'),
  rank: z.int().optional().describe('of the adapter here, where linears have ranks of their own'),
  lossRank0: z.number().describe('loss without an adapter: tr(E H Eᵀ)'),
  loss: z.number().describe('loss with the adapter as stored'),
  lossBfloat16: z.number().describe('loss after rounding lora_A and lora_B to bfloat16, as some trainers do'),
  certificate: z.number().describe('gain divided by the gain of the exact optimum at this rank; 1 is optimal'),
  frobeniusRank0: z.number().describe('plain squared error without an adapter: ‖E‖²'),
  frobenius: z.number().describe('plain squared error with the adapter as stored'),
  weightNorm: z.number().describe('‖W‖², to make the plain errors relative'),
  outputEnergy: z.number().describe('tr(W H Wᵀ), to make the losses relative'),
  eigenvalues: z.array(z.number()).describe('largest eigenvalues of E H Eᵀ: the loss that the i-th rank can remove'),
  // For the window alone: runs of older versions lack them, and adapters do not carry them.
  errors: ErrorHistogram.optional(),
  channels: InputChannels.optional()
})
export type LayerResult = z.infer<typeof LayerResult>

/** Over rows; null where fewer than two rows count. */
const StandardError = z.number().nullable()

const share = (what: string) => z.object({ share: z.number().describe(what), standardError: StandardError })

/** How one set of weights stands to full precision on a text. */
export const Fidelity = z.object({
  standardError: StandardError.describe('of its perplexity'),
  klDivergence: z.object({
    mean: z.number().describe('KL(full precision ‖ this) of the next token, nats, mean over the predicted tokens'),
    standardError: StandardError
  }),
  sameTopToken: share('of the predicted tokens whose most probable next token is that of full precision')
})
export type Fidelity = z.infer<typeof Fidelity>

/** What rows say beyond the perplexities: uncertainties, with rows as the sampling unit, and divergences. */
export const RowStatistics = z.object({
  rows: z.int().describe('rows of which a token was predicted'),
  fullPrecision: Fidelity.pick({ standardError: true }),
  quantizers: z.record(z.string(), Fidelity),
  variants: z.record(
    z.string(),
    Fidelity.extend({
      gapClosed: share('of the gap closed; missing where quantizing leaves none').optional()
    })
  ),
  logRatioErrors: z
    .object({
      of: z.array(z.string()).describe('"full precision", "quantizer KEY" and "variant NAME"'),
      values: z.array(z.array(z.number())).describe('row i: against each of `of` before i')
    })
    .optional()
    .describe('standard errors of log(perplexity / perplexity), paired over rows; missing where fewer than two count')
})
export type RowStatistics = z.infer<typeof RowStatistics>

/** Perplexities of one evaluation text. */
export const Perplexities = z.object({
  tokens: z.int().describe('predicted tokens'),
  fullPrecision: z.number(),
  quantizers: z.record(z.string(), z.number()).describe('one per quantizer of the recipe'),
  variants: z.record(z.string(), z.number()),
  statistics: RowStatistics.optional().describe('runs of older versions lack them'),
  coverage: z.number().optional().describe('share of its tokens that occur in the calibration rows; older runs lack it')
})
export type Perplexities = z.infer<typeof Perplexities>

/** Where a run was computed whose device failed, and that went on on the processor. */
export const DeviceFailure = z.object({
  device: z.enum(DEVICES).describe('that the recipe names'),
  reason: z.string().describe('in the words of the device'),
  blocks: z.array(z.enum(DEVICES)).describe('where each block was computed'),
  evaluation: z.enum(DEVICES).describe('where what follows the blocks was computed')
})
export type DeviceFailure = z.infer<typeof DeviceFailure>

/** For people: `webgpu (blocks 1–2) and cpu (blocks 3–4, evaluation)`. */
export function computedWhere({ blocks, evaluation }: DeviceFailure): string {
  const parts = DEVICES.map((device) => {
    const own = blocks.flatMap((where, i) => (where === device ? [i + 1] : []))
    const what = [...(own.length > 0 ? [blockRange(own)] : []), ...(evaluation === device ? ['evaluation'] : [])]
    return what.length > 0 ? `${device} (${what.join(', ')})` : ''
  })
  return parts.filter((part) => part !== '').join(' and ')
}

function blockRange(blocks: readonly number[]): string {
  const [first = 0, last = 0] = [blocks[0], blocks.at(-1)]
  if (first === last) return `block ${first}`
  return last - first + 1 === blocks.length ? `blocks ${first}–${last}` : `blocks ${blocks.join(', ')}`
}

export const VariantResult = z.object({
  name: z.string(),
  method: z.string(),
  rank: z.int(),
  quantizer: z.string(),
  adapter: z.string().describe('directory of the PEFT adapter'),
  refinement: RefinementResult.optional().describe('of a refined variant; its layers are those of the start'),
  ranks: RankChoice.optional().describe('of a variant whose linears may have ranks of their own'),
  acceptance: AcceptanceResult.optional().describe('where it was asked whether the adapter helps'),
  layers: z.array(LayerResult)
})
export type VariantResult = z.infer<typeof VariantResult>

const drafts = [
  z.object({
    type: z.literal('planned'),
    blocks: z.int(),
    linears: z.int(),
    parameters: z.int(),
    calibrationTokens: z.int(),
    enoughRows: EnoughRows.optional().describe('missing where the recipe says how many rows are taken'),
    evaluationTokens: z.int(),
    moments: KeptMoments.optional().describe('missing where second moments are not kept from run to run'),
    variants: z.array(z.string()),
    resumedBlocks: z.int().describe('blocks that an earlier process already finished'),
    evaluationShare: z
      .number()
      .optional()
      .describe('of the arithmetic of blocks, refinement and evaluation; older runs lack it'),
    curvatureShare: z.number().optional().describe('of the same; missing where nothing asks for the curvature'),
    choiceShare: z.number().optional().describe('of the same; missing where no ranks are chosen'),
    refinementShare: z.number().optional().describe('of the same; missing where nothing is refined'),
    refinements: z
      .array(z.object({ variant: z.string(), steps: z.int() }))
      .optional()
      .describe('in their order; missing where nothing is refined')
  }),
  z.object({ type: z.literal('phaseStarted'), phase: Phase, total: z.int(), unit: z.string() }),
  z.object({ type: z.literal('phaseProgress'), phase: Phase, done: z.number(), total: z.int() }),
  z.object({
    type: z.literal('layerFinished'),
    block: z.int(),
    layer: z.string(),
    results: z.array(z.object({ variant: z.string(), result: LayerResult }))
  }),
  z.object({ type: z.literal('blockFinished'), block: z.int(), total: z.int(), durationMs: z.number() }),
  z.object({ type: z.literal('refined'), variant: z.string(), result: RefinementResult.describe('so far') }),
  z.object({ type: z.literal('evaluated'), file: z.string(), perplexity: Perplexities }),
  z.object({
    type: z.literal('artifactWritten'),
    variant: z.string(),
    path: z.string(),
    bytes: z.int(),
    sha256: z.string().describe('of adapter_model.safetensors')
  }),
  z.object({
    type: z.literal('warning'),
    code: z.string(),
    message: z.string(),
    severity: z.literal('info').optional().describe('of what is good to know; left out: a warning')
  }),
  z.object({
    type: z.literal('finished'),
    status: z.enum(['completed', 'cancelled', 'failed']),
    perplexity: z.record(z.string(), Perplexities),
    variants: z.array(VariantResult),
    deviceFailure: DeviceFailure.optional(),
    error: SerializedError.optional()
  })
] as const

export const RunEventDraft = z.discriminatedUnion('type', drafts)
export type RunEventDraft = z.infer<typeof RunEventDraft>

/** Where and when: `seq` rises by one from 0 within one process's work on a run. */
const stamp = { run: z.string(), seq: z.int(), atMs: z.number() }
export const RunEvent = z.intersection(RunEventDraft, z.object(stamp))
export type RunEvent = RunEventDraft & { run: string; seq: number; atMs: number }

export type FinishedEvent = Extract<RunEvent, { type: 'finished' }>

/**
 * (quantized − variant) / (quantized − full precision): the share of the damage that the adapter repairs; undefined where
 * quantizing did none, or any of the three was not measured.
 */
export function gapClosed(fullPrecision: number, quantized: number, variant: number): number | undefined {
  const share = (quantized - variant) / (quantized - fullPrecision)
  return quantized > fullPrecision && Number.isFinite(share) ? share : undefined
}
