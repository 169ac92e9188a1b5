import type { BaseExport, BaseExportRequest } from './baseExport'
import type { DeviceReport, DeviceSpeed, ProviderName } from './devices'
import type { ChatTemplateNote, Inspection, ModelSurvey } from './inspection'
import type { MomentStore } from './keptMoments'
import type { Plan, Preflight, Verification } from './plan'
import type { Recipe, Variant } from './recipe'
import type { RunEvent } from './runEvents'
import type { ResolvedText } from './runFolder'
import type { PreviewRequest, TokenPreview } from './tokenPreview'

export interface PlanRequest {
  readonly recipe: Recipe
  readonly calibration: ResolvedText[]
  readonly evaluation: ResolvedText[]
  /** Where the run will write: hidden states below `spool`, adapters below `out`; neither needs to exist yet. */
  readonly folders?: { readonly spool: string; readonly out: string } | undefined
  /** Where second moments are kept from run to run; default: nowhere. */
  readonly moments?: MomentStore | undefined
}

export interface PreflightRequest extends PlanRequest {
  /** As measured before; default: assumed. */
  readonly flopsPerSecond?: number | undefined
  /** Guesses the tokens from the texts' sizes, which takes no time; what is found about texts is guessed too. */
  readonly guess?: boolean | undefined
  /** Other choices of variants whose cost is asked for. */
  readonly alternatives?: Readonly<Record<string, Variant[]>> | undefined
}

/*
 * What the engine process does for others: one entry is one request that crosses the thread boundary.
 * Requests and answers are plain data; tensors stay in files.
 */
export interface EngineApi {
  /** Executes, or goes on with, the run whose record lies in `folder`; events arrive through the listener. */
  run: { input: { folder: string; moments?: MomentStore | undefined }; output: { finished: RunEvent } }
  /** Fails with the first thing that cannot be used, as the run would. */
  plan: { input: PlanRequest & { measure: boolean }; output: Plan }
  /** Goes on after what cannot be used, and tells all of it. */
  preflight: { input: PreflightRequest; output: Preflight }
  inspect: { input: { path: string }; output: Inspection }
  /** The short form of `inspect`, for lists; what is wrong with a checkpoint is in the answer, not an error. */
  survey: { input: { path: string }; output: ModelSurvey }
  /** Opens what a stranger may have written, a checkpoint or an adapter, and says nothing of it. */
  open: { input: { path: string }; output: null }
  /** One row of a text as a run would use it. */
  previewTokens: { input: PreviewRequest; output: TokenPreview }
  /** Of the templates that render conversations for a checkpoint; null when it has none. */
  chatTemplate: { input: { model: string }; output: ChatTemplateNote | null }
  /** `from`: the adapter that this one was trained from, whose proof it lacks. */
  verify: { input: { adapter: string; model: string; from?: string | undefined }; output: Verification }
  /** Writes the quantized base as a checkpoint of its own; the caller makes sure that `out` is outside of the model. */
  exportBase: { input: BaseExportRequest; output: BaseExport }
  devices: { input: Record<string, never>; output: DeviceReport[] }
  /** Speed of a large matrix product; takes a second or two of the whole device. */
  measureDevice: { input: { device: ProviderName }; output: DeviceSpeed }
}

export type EngineMethod = keyof EngineApi
