import type { ConfigReader, Json } from './configReader'
import type { LayerType } from './layerTypes'
import type { Rope } from './rope'
import { type RopeShape, readParameters, STANDARD_ROPE } from './ropeSettings'

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
      share: config.raw('partial_rotary_factor') ?? undefined,
      original: undefined,
      truncate: parameters.raw('truncate')
    })
  }
  return { full_attention: read('full_attention', scaling), sliding_attention: read('sliding_attention', {}) }
}
