import type { AcceptanceResult } from '../../shared/acceptance'
import type { EnoughRows } from '../../shared/enoughRows'
import type { ExpertsNote } from '../../shared/expertsNote'
import { baseModelName } from '../../shared/modelName'
import type { QuantizerFormat, ScaleOptions } from '../../shared/quantizers'
import { scaleOptions } from '../../shared/quantizerWords'
import type { RankChoice } from '../../shared/rankBudget'
import { positionsLeftOut, type Recipe, type Variant } from '../../shared/recipe'
import type { RefinementResult } from '../../shared/refinement'
import {
  type DeviceFailure,
  type Fidelity,
  gapClosed,
  type LayerResult,
  type Perplexities,
  type RowStatistics
} from '../../shared/runEvents'
import type { LinearFingerprint, RunRecord, SolvedBlock } from '../../shared/runFolder'
import type { TextTower } from '../../shared/textTower'
import { distinguishable, subject } from '../../shared/uncertainty'
import { runtimeVersion } from '../graph/session'
import { skippedModules } from '../models/architecture'
import { loadedDtype } from '../models/modelTensors'
import type { PreparedRun, PreparedVariant } from '../prepare/preparedRun'
import { fingerprintModel, STORED_FINGERPRINT_ALGORITHM } from '../quantizers/fingerprint'

/**
 * Content of `quail.json`: what an adapter was made of and what it was measured to do.
 *
 * It holds no path, no user name, no time and no run id, so that equal recipes give equal bytes.
 */
export interface Proof {
  readonly version: 1
  readonly versions: { readonly quail: string; readonly onnxruntime: string; readonly node: string }
  readonly model: {
    readonly name: string
    readonly family: string
    /** Present where the adapter is for the text model inside of another. */
    readonly tower?: TextTower
    /** Present where some of its blocks have experts. */
    readonly experts?: ExpertsNote
    readonly configSha256: string
    readonly weights: readonly { readonly file: string; readonly bytes: number }[]
  }
  readonly fingerprint: Fingerprint
  readonly variant: Variant & { readonly name: string; readonly scaling: number }
  readonly recipe: {
    readonly policy: string
    readonly context: number
    /** Where positions were left out: of the loss, and of H. Missing where all count. */
    readonly lossOn?: Recipe['lossOn']
    readonly calibrateOn?: Recipe['calibrateOn']
    readonly firstToken?: Recipe['firstToken']
    /** The day that the chat template wrote as today. Missing where it writes none. */
    readonly templateDate?: Recipe['templateDate']
    readonly factorDtype: string
    readonly device: string
    /** Which blocks were computed where, when the device failed and the run went on on the processor. */
    readonly deviceFailure?: DeviceFailure
    readonly seed: number
    /** `enough`: how many rows were found to be enough. Missing where the recipe says how many. */
    readonly calibration: DrawnRows & { readonly tokens: number; readonly enough?: EnoughRows }
    readonly evaluation: DrawnRows
  }
  readonly perplexity: Readonly<
    Record<
      string,
      {
        readonly tokens: number
        readonly fullPrecision: number
        readonly quantized: number
        readonly adapter: number
        /** Missing where the quantized base leaves no gap. */
        readonly gapClosed?: number
        /** Rows of which a token was predicted, and standard errors over them: null where fewer than two rows count. */
        readonly rows: number
        /** Share of its tokens that occur in the calibration rows. */
        readonly coverage?: number
        readonly standardErrors: {
          readonly fullPrecision: number | null
          readonly quantized: number | null
          readonly adapter: number | null
          readonly gapClosed?: number | null
        }
        /** From full precision: nats, and the share of positions with the same most probable next token. */
        readonly klDivergence: BaseAndAdapter<Fidelity['klDivergence']>
        readonly sameTopToken: BaseAndAdapter<Fidelity['sameTopToken']>
        /** Whether the rows tell the base from full precision, and the adapter from the base; missing where not known. */
        readonly distinguishable: Partial<{ readonly gap: boolean; readonly adapter: boolean }>
      }
    >
  >
  /** What became of the refinement; missing where there was none. The layers are those of its start. */
  readonly refinement?: RefinementResult
  /** How ranks of their own fared; missing without a rank budget. The layers say the rank of each. */
  readonly ranks?: RankChoice
  /** What of it held-out rows found to help; missing where they were not asked. */
  readonly acceptance?: AcceptanceResult
  readonly layers: readonly ProofLayer[]
}

interface BaseAndAdapter<T> {
  readonly quantized: T
  readonly adapter: T
}

/** What only pictures need stays with the run: an adapter should be small. */
type ProofLayer = Omit<LayerResult, 'errors' | 'channels'>

interface DrawnRows {
  readonly texts: readonly Text[]
  readonly rows: number
  /** Which choice of rows. Missing where it is the first. */
  readonly draw?: number
}

interface Text {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** What the quantized base was assumed to be; `resources/check_fingerprint.py` recomputes it. */
export interface Fingerprint {
  readonly algorithm: string
  /** Name of the pre-quantized checkpoint that holds the base, where it is not quantized anew. */
  readonly base?: string
  readonly quantizer: QuantizerFormat
  /** Where the format has the option, as is double quantization. */
  readonly blockSize?: ScaleOptions['blockSize']
  readonly doubleQuantization?: boolean
  /** Where the trainer must be told to leave modules in full precision, the head among them. */
  readonly skipModules?: readonly string[]
  /** In which the trainer must load the weights: as the checkpoint holds them, F32 where it holds several dtypes. */
  readonly dtype: string
  readonly codes: string
  readonly absmax: string
  readonly linears: readonly LinearFingerprint[]
}

/** What a run measured, and what became of its device. */
export interface ResultsOfRun {
  readonly perplexity: Readonly<Record<string, Perplexities>>
  readonly deviceFailure?: DeviceFailure
}

/** The same of one variant. */
export interface ResultsOfVariant extends ResultsOfRun {
  /** Missing where it was not refined. */
  readonly refinement: RefinementResult | undefined
  /** Missing where it has no rank budget. */
  readonly ranks: RankChoice | undefined
  /** Missing where nobody asked whether it helps. */
  readonly acceptance: AcceptanceResult | undefined
}

export function proofOf(
  record: RunRecord,
  prepared: PreparedRun,
  variant: PreparedVariant,
  journal: readonly SolvedBlock[],
  layers: readonly LayerResult[],
  { perplexity, deviceFailure, refinement, ranks, acceptance }: ResultsOfVariant
): Proof {
  const { checkpoint, architecture, recipe, calibration, evaluation, renderedAsOf } = prepared
  return {
    version: 1,
    versions: { quail: record.quailVersion, onnxruntime: runtimeVersion(), node: process.versions.node },
    model: {
      name: baseModelName(checkpoint.directory),
      family: architecture.family,
      ...(architecture.tower && { tower: architecture.tower }),
      ...(architecture.experts && { experts: architecture.experts }),
      configSha256: checkpoint.configSha256,
      weights: checkpoint.files.map(({ name, bytes }) => ({ file: name, bytes }))
    },
    fingerprint: fingerprintOf(prepared, variant, journal),
    variant: { ...variant.spec, name: variant.name, scaling: variant.scaling },
    recipe: {
      policy: recipe.policy,
      context: recipe.context,
      ...positionsLeftOut(recipe),
      ...(renderedAsOf !== undefined && { templateDate: renderedAsOf }),
      factorDtype: recipe.factorDtype,
      device: record.recipe.device,
      ...(deviceFailure && { deviceFailure }),
      seed: recipe.seed,
      calibration: {
        texts: record.calibration.map(textOf),
        rows: calibration.rows,
        ...drawOf(recipe.calibration),
        tokens: calibration.tokenCount,
        ...(prepared.enoughRows && { enough: prepared.enoughRows })
      },
      evaluation: {
        texts: record.evaluation.map(textOf),
        rows: evaluation.reduce((sum, { rows }) => sum + rows.rows, 0),
        ...drawOf(recipe.evaluation)
      }
    },
    perplexity: Object.fromEntries(
      Object.entries(perplexity).map(([file, measured]) => [file, variantPerplexity(measured, variant)])
    ),
    ...(refinement && { refinement }),
    ...(ranks && { ranks }),
    ...(acceptance && { acceptance }),
    layers: layers.map(({ errors, channels, ...figures }): ProofLayer => figures)
  }
}

const drawOf = (source: Recipe['evaluation']): { draw?: number } => (source?.draw ? { draw: source.draw } : {})

const textOf = ({ name, bytes, sha256 }: Text): Text => ({ name, bytes, sha256 })

function variantPerplexity(measured: Perplexities, { name, quantizer }: PreparedVariant): Proof['perplexity'][string] {
  const { tokens, fullPrecision, statistics, coverage } = measured
  const quantized = measured.quantizers[quantizer] as number
  const adapter = measured.variants[name] as number
  const share = gapClosed(fullPrecision, quantized, adapter)
  const rows = statistics as RowStatistics
  const [ofBase, own] = [
    rows.quantizers[quantizer] as Fidelity,
    rows.variants[name] as RowStatistics['variants'][string]
  ]
  const base = subject.quantizer(quantizer)
  const gap = distinguishable(measured, base, subject.full)
  const repair = distinguishable(measured, subject.variant(name), base)
  return {
    ...{ tokens, fullPrecision, quantized, adapter, ...(share !== undefined && { gapClosed: share }) },
    rows: rows.rows,
    ...(coverage !== undefined && { coverage }),
    standardErrors: {
      fullPrecision: rows.fullPrecision.standardError,
      quantized: ofBase.standardError,
      adapter: own.standardError,
      ...(own.gapClosed && { gapClosed: own.gapClosed.standardError })
    },
    klDivergence: { quantized: ofBase.klDivergence, adapter: own.klDivergence },
    sameTopToken: { quantized: ofBase.sameTopToken, adapter: own.sameTopToken },
    distinguishable: { ...(gap !== undefined && { gap }), ...(repair !== undefined && { adapter: repair }) }
  }
}

function fingerprintOf(
  { parts, weights, base, architecture }: PreparedRun,
  { quantizer, spec }: PreparedVariant,
  journal: readonly SolvedBlock[]
): Fingerprint {
  const digests = journal.flatMap(({ fingerprints }) => fingerprints[quantizer] ?? [])
  const { algorithm, codes, absmax } = fingerprintModel(digests, base && STORED_FINGERPRINT_ALGORITHM)
  const dtype = loadedDtype(weights, parts)
  const from = base && { base: baseModelName(base.checkpoint.directory) }
  const skipModules = base === undefined ? skippedModules(architecture) : undefined
  return {
    algorithm,
    ...from,
    quantizer: spec.quantizer.format,
    ...scaleOptions(spec.quantizer),
    ...(skipModules && { skipModules }),
    dtype,
    codes,
    absmax,
    linears: digests
  }
}
