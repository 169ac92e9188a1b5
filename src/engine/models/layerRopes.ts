import { ConfigReader, type Json } from './configReader'
import type { LayerType } from './layerTypes'
import type { Rope } from './rope'
import { type RopeForm, type RopeShape, readParameters, STANDARD_ROPE } from './ropeSettings'

/** Which part of each head rotates. */
const SHARE = 'partial_rotary_factor'

/** Of a type of layers, the base where its parameters have none: under a key outside of them, or the default. */
interface LayerBase {
  readonly key?: string
  readonly theta: number
}

/**
 * Rotary positions of families whose types of layers have their own. Parameters stand under the layers' type; those that do
 * not are ignored. `rope_scaling` is merged into those of the full layers, and wins.
 *
 * Source: transformers, convert_rope_params_to_dict of Gemma3TextConfig and Olmo3Config.
 */
export function readLayerRopes(
  config: ConfigReader,
  bases: Readonly<Record<LayerType, LayerBase>>,
  shape: Pick<RopeShape, 'headDim' | 'limit'>
): Record<LayerType, Rope> {
  const parameters = config.object('rope_parameters')
  const scaling = config.plainObject('rope_scaling')
  const written = config.has('rope_parameters')
  if (written && config.has('rope_scaling') && !parameters.has('full_attention')) {
    throw config.complaint('rope_scaling', 'null, or rope_parameters with a part for full_attention')
  }
  const read = (type: LayerType, merged: Json): Rope => {
    const given = parameters.has(type) ? parameters.plainObject(type) : { rope_type: 'default' }
    const { key, theta } = bases[type]
    const where = `${config.where}: rope_parameters: ${type}`
    return readParameters(where, { ...given, ...merged }, STANDARD_ROPE, shape, {
      theta: key !== undefined && config.given(key) ? config.raw(key) : theta,
      share: config.raw(SHARE) ?? undefined,
      original: undefined,
      truncate: parameters.raw('truncate')
    })
  }
  return { full_attention: read('full_attention', scaling), sliding_attention: read('sliding_attention', {}) }
}

/** The parameters of all types of layers, and the key under which they stand. */
interface OwnRopes {
  readonly key: 'rope_scaling' | 'rope_parameters'
  readonly parameters: Json
  /** The base of a type whose parameters have none, which is refused when left out. */
  readonly theta?: unknown
}

/**
 * Parameters of all types of layers: a `rope_scaling` that is there, be it null, stands in the place of `rope_parameters`.
 *
 * @param absent - what is meant where config.json has neither
 */
export function givenRopes(config: ConfigReader, absent: Readonly<Record<LayerType, Json>>): OwnRopes {
  const key = config.given('rope_scaling') ? 'rope_scaling' : 'rope_parameters'
  const given = config.given('rope_scaling') || config.has('rope_parameters')
  return { key, parameters: given ? config.plainObject(key) : absent }
}

/**
 * Rotary positions where each type of layers must have parameters of its own: nothing else outside of them counts than
 * `partial_rotary_factor`. Heads of each type have their own size; types that do not occur are not read.
 *
 * @param form - where it rotates a part of each head, the share beside the parameters counts for scaled positions alone, in
 *   some places and not in others, so that there it is refused unless each type has its own, which wins
 *
 * Source: transformers, Gemma4TextConfig, MellumConfig, LagunaConfig, Lfm3Config.
 */
export function readOwnRopes(
  config: ConfigReader,
  { key, parameters: whole, theta }: OwnRopes,
  headDims: ReadonlyMap<LayerType, number>,
  limit: number,
  form: RopeForm = STANDARD_ROPE
): Partial<Record<LayerType, Rope>> {
  const parameters = new ConfigReader(whole, `${config.where}: ${key}`)
  const outer = config.raw(SHARE) ?? undefined
  const typeOf = (own: ConfigReader) => own.raw('rope_type') ?? own.raw('type') ?? 'default'
  const types = [...headDims.keys()].map((type) => parameters.object(type))
  const decides = types.some((own) => typeOf(own) !== 'default') && types.some((own) => !own.given(SHARE))
  if (form.partial && outer !== undefined && decides) {
    throw config.complaint(SHARE, 'a share inside of the parameters of each type of layers')
  }
  const read = ([type, headDim]: [LayerType, number]): [LayerType, Rope] => {
    if (!parameters.has(type)) throw parameters.complaint(type, 'the rotary positions of these layers')
    const where = `${parameters.where}: ${type}`
    const rope = readParameters(
      where,
      parameters.plainObject(type),
      form,
      { headDim, limit },
      {
        theta,
        share: form.partial ? undefined : outer,
        original: undefined,
        truncate: parameters.raw('truncate')
      }
    )
    return [type, rope]
  }
  return Object.fromEntries([...headDims].map(read))
}
