/** Rotary position embedding as a config gives it: plain data, from which frequencies follow for a length of rows. */
export interface Rope {
  /** The base θ. */
  readonly theta: number
  /** Dimensions of each head that rotate; an odd number still rotates pairs, ⌈size / 2⌉ of them. */
  readonly size: number
  readonly scaling: RopeScaling
}

/** How the frequencies θ^(−2i/size) are changed for positions beyond those of the pretraining. */
export type RopeScaling =
  | { readonly type: 'default' }
  /** Divided by the factor. */
  | { readonly type: 'linear'; readonly factor: number }
  /** A larger base for rows longer than `limit`. */
  | { readonly type: 'dynamic'; readonly factor: number; readonly limit: number }
  /** Only the first `rotated` pairs of the head turn, the others have frequency 0; divided by the factor. */
  | { readonly type: 'proportional'; readonly factor: number; readonly rotated: number }
  /** Wavelengths above original / low divided by the factor, those below original / high kept, between them blended. */
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly low: number
      readonly high: number
      readonly original: number
    }
  /** Pairs that turn more than `betaFast` times within `original` kept, fewer than `betaSlow` times divided, between blended. */
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly original: number
      readonly betaFast: number
      readonly betaSlow: number
      readonly truncate: boolean
      readonly magnitude: number
    }
  /** A divisor for each frequency: one list for rows up to `original` tokens, another for longer ones. */
  | {
      readonly type: 'longrope'
      readonly short: readonly number[]
      readonly long: readonly number[]
      readonly original: number
      readonly magnitude: number
      /** The factor of rows longer than `original`, where that is another one. */
      readonly longMagnitude?: number
    }

/** What rows of one length are rotated by: angle(position, i) = position · frequencies[i]. */
export interface Rotation {
  /** [dimensions / 2], radians per token. */
  readonly frequencies: Float32Array
  /** Factor of cos and sin. */
  readonly magnitude: number
}

/**
 * Frequencies for rows of a length. Arithmetic is float32 step by step, as torch's.
 *
 * @param context - tokens in a row
 *
 * Source: transformers modeling_rope_utils; YaRN: Peng et al. 2023, arXiv 2309.00071; LongRoPE: Ding et al. 2024,
 * arXiv 2402.13753.
 */
export function rotationOf({ theta, size, scaling }: Rope, context: number): Rotation {
  const plain = powers(theta, size)
  switch (scaling.type) {
    case 'default':
      return { frequencies: plain, magnitude: 1 }
    case 'linear':
      return { frequencies: plain.map((frequency) => frequency / scaling.factor), magnitude: 1 }
    case 'dynamic':
      return { frequencies: powers(theta * dynamicStretch(scaling, size, context), size), magnitude: 1 }
    case 'proportional': {
      const turned = plain.map((frequency, i) => (i < scaling.rotated ? frequency / scaling.factor : 0))
      return { frequencies: turned, magnitude: 1 }
    }
    case 'llama3':
      return { frequencies: plain.map((frequency) => llama3(frequency, scaling)), magnitude: 1 }
    case 'yarn':
      return { frequencies: yarn(plain, theta, size, scaling), magnitude: scaling.magnitude }
    case 'longrope': {
      const isLong = context > scaling.original
      const divisors = isLong ? scaling.long : scaling.short
      const frequencies = plain.map((frequency, i) => frequency / (divisors[i] as number))
      return { frequencies, magnitude: (isLong ? scaling.longMagnitude : undefined) ?? scaling.magnitude }
    }
  }
}

/** θ^(−2i/size). */
const powers = (theta: number, size: number): Float32Array =>
  Float32Array.from({ length: Math.ceil(size / 2) }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / size)))
  )

type Scaling<T extends RopeScaling['type']> = Extract<RopeScaling, { type: T }>

/** (f · L / limit − (f − 1))^(size / (size − 2)) for rows of L > limit tokens, 1 for shorter ones. */
const dynamicStretch = ({ factor, limit }: Scaling<'dynamic'>, size: number, context: number): number =>
  ((factor * Math.max(context, limit)) / limit - (factor - 1)) ** (size / (size - 2))

function llama3(frequency: number, { factor, low, high, original }: Scaling<'llama3'>): number {
  const wavelength = (2 * Math.PI) / frequency
  if (wavelength > original / low) return frequency / factor
  if (wavelength < original / high) return frequency
  const share = (original / wavelength - low) / (high - low)
  return ((1 - share) * frequency) / factor + share * frequency
}

function yarn(plain: Float32Array, theta: number, size: number, scaling: Scaling<'yarn'>): Float32Array {
  const { factor, original, betaFast, betaSlow, truncate } = scaling
  /** The (fractional) pair that turns so often within the original context. */
  const pairOf = (turns: number) => (size * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta))
  const [first, last] = [pairOf(betaFast), pairOf(betaSlow)]
  const low = Math.max(truncate ? Math.floor(first) : first, 0)
  const end = Math.min(truncate ? Math.ceil(last) : last, size - 1)
  const high = low === end ? end + 0.001 : end // as the reference keeps the ramp from being a step
  return plain.map((frequency, i) => {
    const divided = Math.min(1, Math.max(0, (i - low) / (high - low)))
    return (frequency / factor) * divided + frequency * (1 - divided)
  })
}

/** cos and sin of every angle, each [context, dimensions / 2]. */
export function rotaryTables(
  { frequencies, magnitude }: Rotation,
  context: number
): { cos: Float32Array; sin: Float32Array } {
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
