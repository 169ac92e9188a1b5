import { badInput } from '../../shared/errors'
import { ConfigReader, type Json } from './configReader'
import { type Rope, type RopeScaling, rotationOf } from './rope'

/** How a family's config class names and defaults what describes its rotary positions, and what its model makes of it. */
export interface RopeForm {
  /** The key of the base outside of `rope_parameters`, and the base where no key gives it. */
  readonly theta: readonly [key: string, fallback: number]
  /** The same of the share of each head that rotates. */
  readonly share: readonly [key: string, fallback?: number]
  /** Whether a null there is the whole head: the config class has its default for an absent key only. */
  readonly nullIsWhole?: boolean
  /** Whether its model can rotate a part of each head. Others ignore a share without scaling, and fail on one with it. */
  readonly partial: boolean
  /** Whether its model itself cuts heads at the share, and fails where another number of dimensions rotates. */
  readonly exact?: boolean
  /** Whether it reads a share, and fails on one that is not the whole head. */
  readonly wholeShare?: boolean
  /** `original_max_position_embeddings` where the config class declares the key itself, with a default. */
  readonly original?: number
  /** The types that the config class accepts, where it accepts fewer than there are. */
  readonly types?: readonly string[]
  /** Types that it takes for others. */
  readonly renamed?: Readonly<Record<string, string>>
}

/** LLaMA and most others. */
export const STANDARD_ROPE: RopeForm = {
  theta: ['rope_theta', 10_000],
  share: ['partial_rotary_factor'],
  partial: false
}

/** What a family knows of its heads before it reads how they rotate. */
export interface RopeShape {
  readonly headDim: number
  /** `max_position_embeddings`. */
  readonly limit: number
  /** Types of the layers, where the config class has a key for them. */
  readonly layerTypes?: readonly string[]
}

/** Heads have up to some hundred dimensions; a damaged config must not ask for memory before a tensor contradicts it. */
const MAX_HEAD_DIMENSIONS = 65_536

const TYPES = ['default', 'linear', 'dynamic', 'llama3', 'yarn', 'longrope', 'proportional'] as const
const SCALED = ['llama3', 'yarn', 'longrope']

/**
 * The rotary positions of a model that rotates all its layers alike, from whichever form its config has them in, with the
 * precedence of transformers 5: a non-empty `rope_scaling` replaces `rope_parameters` as a whole; what stands in it wins over
 * the keys beside it; `rope_type` wins over its old alias `type`; but `original_max_position_embeddings` beside it wins over
 * that in it.
 *
 * Source: transformers modeling_rope_utils, RotaryEmbeddingConfigMixin.
 */
export function readRope(config: ConfigReader, form: RopeForm, shape: RopeShape): Rope {
  const key = ropeKey(config)
  const parameters = config.plainObject(key)
  const nested = Object.keys(parameters).find((name) => shape.layerTypes?.includes(name))
  if (nested !== undefined) {
    throw badInput(`${config.where}: ${key} has a part for ${nested}, expected one for all layers of this family`)
  }
  const [thetaKey, theta] = form.theta
  const [shareKey, share] = form.share
  const noShare = share === undefined || form.nullIsWhole === true
  return readParameters(`${config.where}: ${key}`, parameters, form, shape, {
    theta: config.given(thetaKey) ? config.raw(thetaKey) : theta,
    // A null is none where the config class has no default for it.
    share: (config.given(shareKey) ? config.raw(shareKey) : share) ?? (noShare ? undefined : null),
    original: form.original ?? config.raw('original_max_position_embeddings'),
    truncate: parameters.truncate
  })
}

/** The key that holds the parameters: `rope_scaling` replaces `rope_parameters` as a whole where it is not empty. */
export const ropeKey = (config: ConfigReader): 'rope_scaling' | 'rope_parameters' =>
  Object.keys(config.plainObject('rope_scaling')).length > 0 ? 'rope_scaling' : 'rope_parameters'

/** `rope_type` wins over its old alias. */
const typeOf = (given: Json): unknown =>
  Object.hasOwn(given, 'rope_type') ? given.rope_type : (given.type ?? 'default')

/**
 * What latent attention multiplies its scores by where positions are stretched: (0.1 · m · ln factor + 1)², with m =
 * `mscale_all_dim`; 1 without.
 *
 * Source: transformers modeling_deepseek_v2, yarn_apply_mscale.
 */
export function stretchOfScores(config: ConfigReader): number {
  const key = ropeKey(config)
  const given = config.plainObject(key)
  const parameters = new ConfigReader(given, `${config.where}: ${key}`)
  if (typeOf(given) === 'default' || !given.mscale_all_dim) return 1
  return grown(parameters.number('factor'), parameters.number('mscale_all_dim')) ** 2
}

/** 0.1 · weight · ln scale + 1, what YaRN multiplies by for positions so many times as many; 1 for fewer. */
const grown = (scale: number, weight: number): number => (scale <= 1 ? 1 : 0.1 * weight * Math.log(scale) + 1)

/** What stands beside the parameters, or is a default of the family: undefined where there is nothing. */
interface Beside {
  readonly theta: unknown
  readonly share: unknown
  readonly original: unknown
  readonly truncate: unknown
}

/** The last steps, which are the same for parameters of a model and of one type of its layers. */
export function readParameters(where: string, given: Json, form: RopeForm, shape: RopeShape, beside: Beside): Rope {
  const named = typeOf(given)
  const type = form.renamed?.[String(named)] ?? named
  const parameters = new ConfigReader(
    {
      rope_theta: beside.theta,
      partial_rotary_factor: beside.share,
      original_max_position_embeddings: shape.limit,
      ...given,
      ...(beside.original !== undefined && SCALED.includes(String(type))
        ? { original_max_position_embeddings: beside.original }
        : {}),
      truncate: beside.truncate
    },
    where
  )
  const types: readonly unknown[] = form.types ?? TYPES
  if (!types.includes(type)) {
    throw parameters.complaint(Object.hasOwn(given, 'rope_type') ? 'rope_type' : 'type', `one of ${types.join(', ')}`)
  }
  const theta = parameters.number('rope_theta')
  const share = parameters.number('partial_rotary_factor', 1)
  const size = rotatingSize(parameters, form, shape, share, type as RopeScaling['type'])
  const scaling = readScaling(type as RopeScaling['type'], parameters, shape, size, share)
  const rope = { theta, size, scaling }
  const { frequencies, magnitude } = rotationOf(rope, shape.limit)
  if (!Number.isFinite(magnitude) || !frequencies.every(Number.isFinite)) {
    throw badInput(`${where}: the rotary frequencies that these values give are not finite`)
  }
  return rope
}

/** Dimensions of a head that rotate. */
function rotatingSize(
  parameters: ConfigReader,
  form: RopeForm,
  { headDim }: RopeShape,
  share: number,
  type: RopeScaling['type']
): number {
  if (headDim > MAX_HEAD_DIMENSIONS) {
    throw badInput(`${parameters.where}: heads have ${headDim} dimensions, expected at most ${MAX_HEAD_DIMENSIONS}`)
  }
  const whole = type === 'proportional' || (type === 'default' && !form.partial && form.wholeShare !== true)
  const size = whole ? headDim : Math.trunc(headDim * share)
  const rotating = 2 * Math.ceil(size / 2)
  const cut = form.exact !== true || rotating === Math.trunc(headDim * share)
  const fits = size >= 0 && cut && (form.partial ? rotating <= headDim : rotating === headDim)
  if (fits) return size
  const some = form.exact ? 'those of partial_rotary_factor, and an even number' : 'an even number'
  const expected = form.partial ? `${some} up to ${headDim}` : `all ${headDim}, and an even number,`
  throw badInput(`${parameters.where}: ${size} dimensions of a head rotate, expected ${expected} in this family`)
}

function readScaling(
  type: RopeScaling['type'],
  parameters: ConfigReader,
  { headDim, limit }: RopeShape,
  size: number,
  share: number
): RopeScaling {
  const original = () => parameters.integer('original_max_position_embeddings')
  switch (type) {
    case 'default':
      return { type }
    case 'linear':
      return { type, factor: parameters.number('factor') }
    case 'dynamic':
      return { type, factor: parameters.number('factor'), limit }
    case 'proportional':
      return { type, factor: parameters.number('factor', 1), rotated: Math.floor((share * headDim) / 2) }
    case 'llama3':
      return {
        type,
        factor: parameters.number('factor'),
        low: parameters.number('low_freq_factor'),
        high: parameters.number('high_freq_factor'),
        original: original()
      }
    case 'yarn':
      return readYarn(parameters, limit, size, original())
    case 'longrope': {
      const divisors = (key: string) => parameters.numbers(key, Math.ceil(size / 2))
      const stretch = parameters.has('factor') ? parameters.number('factor') : limit / original()
      const derived = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original()))
      const magnitude = magnitudeOf(parameters, derived)
      return { type, short: divisors('short_factor'), long: divisors('long_factor'), original: original(), magnitude }
    }
  }
}

/** The factor of cos and sin that the config gives, or the derived one. */
const magnitudeOf = (parameters: ConfigReader, derived: number): number =>
  parameters.has('attention_factor') ? parameters.number('attention_factor') : derived

/** A null factor stands for the ratio of positions after and before; zeros and nulls elsewhere for the defaults. */
function readYarn(parameters: ConfigReader, limit: number, size: number, original: number): RopeScaling {
  if (size % 2 !== 0) {
    throw badInput(`${parameters.where}: ${size} dimensions of a head rotate, expected an even number for yarn`)
  }
  if (!parameters.given('factor')) throw parameters.complaint('factor', 'a number')
  const factor = parameters.has('factor') ? parameters.number('factor') : limit / original
  const optional = (key: string, fallback: number) => (parameters.has(key) && parameters.number(key)) || fallback
  const [scale, scaleAll] = [optional('mscale', 0), optional('mscale_all_dim', 0)]
  const derived = scale !== 0 && scaleAll !== 0 ? grown(factor, scale) / grown(factor, scaleAll) : grown(factor, 1)
  return {
    type: 'yarn',
    factor,
    original,
    betaFast: optional('beta_fast', 32),
    betaSlow: optional('beta_slow', 1),
    truncate: parameters.has('truncate') ? parameters.boolean('truncate') : !parameters.given('truncate'),
    magnitude: magnitudeOf(parameters, derived)
  }
}
