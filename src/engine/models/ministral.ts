import { defineFamily } from './architecture'
import { deriveHeads } from './heads'
import { layersByType, readLayerTypes } from './layerTypes'
import { llamaLike } from './llamaLike'
import { MISTRAL } from './mistral'
import { readRope, STANDARD_ROPE } from './ropeSettings'
import { orNull, readSettings, texts } from './settings'

/** Defaults of transformers' MinistralConfig: those of Mistral, and what it adds. */
const TABLE = { ...MISTRAL, layer_types: orNull(texts) }

/**
 * Ministral (8B of 2024): Mistral with a type for each layer; all slide where config.json lists none and gives a window.
 *
 * Source: transformers modeling_ministral.
 */
export const ministral = defineFamily({
  modelTypes: ['ministral'],
  settings(config) {
    const settings = readSettings(config, TABLE)
    const heads = deriveHeads(config, settings)
    const { max_position_embeddings: limit, sliding_window } = settings
    const usual = sliding_window === null ? 'full_attention' : 'sliding_attention'
    const layer_types = readLayerTypes(config, settings, () => usual)
    const rope = readRope(config, STANDARD_ROPE, { headDim: heads.head_dim, limit, layerTypes: layer_types })
    const layers = layersByType(config, layer_types, sliding_window, rope, { alwaysMasked: true })
    return { ...settings, ...heads, layer_types, layers }
  },
  check(_settings, _where, config) {
    // Its model takes the null that its class has by default for the size of a head.
    if (!config.has('head_dim')) throw config.complaint('head_dim', 'a positive integer')
  },
  build: (settings) => llamaLike(settings, { family: 'ministral', inputBias: false, outputBias: false, mlpBias: false })
})
