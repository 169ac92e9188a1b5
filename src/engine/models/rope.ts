import { badInput } from '../../shared/errors'
import type { ConfigReader } from './configReader'

/** Rotary position embedding: angle(position, i) = position · frequency[i]. */
export interface Rope {
  /** Dimensions of each head that rotate; the rest pass through. */
  readonly dimensions: number
  /** [dimensions / 2], radians per token. */
  readonly frequencies: Float32Array
  /** Rows longer than `context` tokens use these in their place. */
  readonly beyond?: { readonly context: number; readonly frequencies: Float32Array }
  /** Factor of cos and sin; 1 when left out. */
  readonly magnitude?: number
}

/** How a family's config names the base and the rotated share of each head outside of `rope_parameters`. */
interface LegacyRope {
  readonly theta: string
  readonly partial: string
  /** The share when no key gives it. */
  readonly partialDefault?: number
}

/** Heads have up to some hundred dimensions; a damaged config must not ask for memory before a tensor contradicts it. */
const MAX_ROTARY_DIMENSIONS = 65_536

const SUPPORTED = 'one of default, linear, llama3, longrope'

/**
 * Reads the rotary settings of a config, in the form of transformers 5 (`rope_parameters`) or 4 (`rope_theta` and
 * `rope_scaling`, whose `type` is an old alias of `rope_type`).
 *
 *     frequency[i] = θ^(−2i/d); linear: divided by the factor; llama3: long wavelengths divided, short ones kept
 *
 * Arithmetic is float32 step by step, as torch's. Source: transformers modeling_rope_utils.
 */
export function readRope(
  config: ConfigReader,
  headDim: number,
  legacy: LegacyRope,
  settings: ConfigReader = config.object(config.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling')
): Rope {
  const theta = settings.number('rope_theta', config.number(legacy.theta, 10000))
  const partial = settings.number('partial_rotary_factor', config.number(legacy.partial, legacy.partialDefault ?? 1))
  const size = Math.floor(headDim * partial)
  if (size < 0 || size > MAX_ROTARY_DIMENSIONS)
    throw badInput(`${config.where}: ${size} dimensions of a head rotate, expected 0 to ${MAX_ROTARY_DIMENSIONS}`)
  // An odd size still rotates pairs: transformers takes every second of its indices and so ⌈size / 2⌉ frequencies.
  const dimensions = 2 * Math.ceil(size / 2)
  const type = settings.has('rope_type') ? settings.string('rope_type') : settings.string('type', 'default')
  const plain = Float32Array.from({ length: dimensions / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size)))
  )
  if (type === 'default') return { dimensions, frequencies: plain }
  if (type === 'linear') {
    const factor = settings.number('factor')
    return { dimensions, frequencies: plain.map((frequency) => frequency / factor) }
  }
  if (type === 'llama3') return { dimensions, frequencies: llama3Frequencies(plain, settings) }
  if (type === 'longrope' || type === 'su') return { dimensions, ...longRope(plain, settings, config) }
  throw settings.complaint(settings.has('rope_type') ? 'rope_type' : 'type', SUPPORTED)
}

/** Wavelengths above L/low are stretched by the factor, those below L/high are kept, between them both are blended. */
function llama3Frequencies(plain: Float32Array, settings: ConfigReader): Float32Array {
  const factor = settings.number('factor')
  const low = settings.number('low_freq_factor')
  const high = settings.number('high_freq_factor')
  const original = settings.integer('original_max_position_embeddings')
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency
    if (wavelength > original / low) return frequency / factor
    if (wavelength < original / high) return frequency
    const share = (original / wavelength - low) / (high - low)
    return ((1 - share) * frequency) / factor + share * frequency
  })
}

/**
 * longrope: each frequency has a divisor of its own for short and for long rows, and cos and sin grow with the stretch f of
 * the positions: by √(1 + ln f / ln L), L the positions before it.
 */
function longRope(plain: Float32Array, settings: ConfigReader, config: ConfigReader): Omit<Rope, 'dimensions'> {
  const limit = config.integer('max_position_embeddings')
  const context = settings.integer(
    'original_max_position_embeddings',
    config.integer('original_max_position_embeddings', limit)
  )
  const divided = (key: string): Float32Array => {
    const divisors = settings.numbers(key, plain.length)
    return plain.map((frequency, i) => frequency / (divisors[i] as number))
  }
  const stretch = limit !== context ? limit / context : settings.number('factor', 1)
  const derived = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(context))
  const magnitude = settings.number('attention_factor', derived)
  return { frequencies: divided('short_factor'), beyond: { context, frequencies: divided('long_factor') }, magnitude }
}

/** cos and sin of every angle, each [context, dimensions / 2]. */
export function rotaryTables(rope: Rope, context: number): { cos: Float32Array; sin: Float32Array } {
  const { magnitude = 1, beyond } = rope
  const frequencies = beyond !== undefined && context > beyond.context ? beyond.frequencies : rope.frequencies
  const half = frequencies.length
  const cos = new Float32Array(context * half)
  const sin = new Float32Array(context * half)
  for (let position = 0; position < context; position++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(position * (frequencies[i] ?? 0))
      cos[position * half + i] = magnitude * Math.cos(angle)
      sin[position * half + i] = magnitude * Math.sin(angle)
    }
  }
  return { cos, sin }
}
