import type { ActivationName } from './activations'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import type { Mamba2Spec } from './mamba2'
import { flag, integer, integerOrAuto, orNull, type Setting } from './settings'

/** Bounds of time steps; no upper one where the second is null. */
type StepLimits = readonly [least: number, most: number | null]

/** How Python's JSON and transformers' configs write infinity: strictJson.ts reads both as this. */
const INFINITY = JSON.stringify({ __float__: 'Infinity' })

const NO_LIMITS: StepLimits = [0, null]

/** Two numbers of which the second may be infinite. */
const stepLimits: Setting<StepLimits | null> = {
  fallback: NO_LIMITS,
  read(config, key) {
    if (!config.has(key)) return null
    const given = config.raw(key)
    const pair = Array.isArray(given) && given.length === 2 ? given : []
    const [least, most] = pair.map((limit) => (JSON.stringify(limit) === INFINITY ? null : limit))
    const isNumber = (limit: unknown) => typeof limit === 'number' && Number.isFinite(Math.fround(limit))
    if (!isNumber(least) || !(most === null || isNumber(most))) throw config.complaint(key, 'two numbers')
    return [least, most]
  }
}

/** Keys that Bamba and those after it have, with its defaults. */
export const MAMBA2 = {
  mamba_n_heads: integer(128),
  mamba_d_head: integerOrAuto,
  mamba_n_groups: integer(1),
  mamba_d_state: integer(256),
  mamba_d_conv: integer(4),
  mamba_expand: integer(2),
  mamba_conv_bias: orNull(flag, true),
  mamba_proj_bias: orNull(flag, false),
  time_step_limit: stepLimits
}

/** What the keys of MAMBA2 are read as; a head's dimensions may still have to be worked out. */
interface Mamba2Keys {
  readonly mamba_n_heads: number
  readonly mamba_d_head: number | 'auto'
  readonly mamba_n_groups: number
  readonly mamba_d_state: number
  readonly mamba_d_conv: number
  readonly mamba_conv_bias: boolean | null
  readonly mamba_proj_bias: boolean | null
  readonly time_step_limit: StepLimits | null
}

/**
 * Dimensions of a head.
 *
 * @param width - of all heads, `mamba_expand · hidden_size`
 * @throws {AppError} BAD_INPUT where heads do not make it up, on which config classes fail, also of a model without such layers
 */
export function mambaHeadDim(
  config: ConfigReader,
  { mamba_n_heads: heads, mamba_d_head: given }: Pick<Mamba2Keys, 'mamba_n_heads' | 'mamba_d_head'>,
  width: number
): number {
  if (width % heads !== 0) throw config.complaint('mamba_n_heads', `a divisor of mamba_expand · hidden_size ${width}`)
  if (given !== 'auto' && given * heads !== width) throw config.complaint('mamba_d_head', `"auto" or ${width / heads}`)
  return width / heads
}

/**
 * Types of layers where those follow from other keys: transformers' class fails on them.
 *
 * @throws {AppError} BAD_INPUT where the config lists some
 */
export function refuseLayerTypes(config: ConfigReader): void {
  for (const key of ['layer_types', 'layers_block_type']) {
    if (config.given(key)) throw config.complaint(key, 'no such key, without which transformers reads the config')
  }
}

/** @throws {AppError} BAD_INPUT for settings with which no layer of Mamba computes */
export function checkMamba2(config: ConfigReader, settings: Mamba2Keys): void {
  checkTaps(config, 'mamba_d_conv', settings.mamba_d_conv)
  const { mamba_n_heads: heads, mamba_n_groups: groups } = settings
  if (heads % groups !== 0) throw config.complaint('mamba_n_groups', `a divisor of mamba_n_heads ${heads}`)
  if (settings.time_step_limit === null) throw config.complaint('time_step_limit', 'two numbers')
}

/** The mixer of such settings, whose first and last linear have their bias in common. */
export const mamba2Spec = (
  settings: Mamba2Keys & {
    readonly hidden_size: number
    readonly hidden_act: ActivationName
    readonly rms_norm_eps: number
    readonly mamba_d_head: number
  }
): Mamba2Spec => ({
  module: 'mamba',
  hiddenSize: settings.hidden_size,
  heads: settings.mamba_n_heads,
  headDim: settings.mamba_d_head,
  groups: settings.mamba_n_groups,
  stateDim: settings.mamba_d_state,
  taps: settings.mamba_d_conv,
  convolutionBias: settings.mamba_conv_bias === true,
  inputBias: settings.mamba_proj_bias === true,
  outputBias: settings.mamba_proj_bias === true,
  activation: settings.hidden_act,
  epsilon: settings.rms_norm_eps,
  stepLimits: settings.time_step_limit ?? NO_LIMITS
})
