import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { LLAMA } from './llama'
import { llamaLike } from './llamaLike'
import { number, positive, readSettings, type Settings } from './settings'

/** The factors of all Granites. */
export const GRANITE_FACTORS = {
  embedding_multiplier: number(1),
  logits_scaling: positive(1),
  residual_multiplier: number(1),
  attention_multiplier: number(1)
}

/** Defaults of transformers' GraniteConfig: those of LLaMA, and what it adds. */
const TABLE = { ...LLAMA, ...GRANITE_FACTORS }

/** What the factors are to blocks of the LLaMA kind. */
export const graniteScales = (settings: Settings<typeof GRANITE_FACTORS>) => ({
  scale: settings.attention_multiplier,
  embeddingScale: settings.embedding_multiplier,
  residualScale: settings.residual_multiplier,
  logitScale: 1 / settings.logits_scaling
})

/**
 * Granite 3: LLaMA with factors of the embedding, the scores (in place of 1 / √d) and what each sublayer adds; logits are
 * divided by `logits_scaling`.
 *
 * Source: transformers modeling_granite.
 */
export const granite = defineFamily({
  modelTypes: ['granite'],
  settings: (config) => alikeLayers(config, readSettings(config, TABLE)),
  build: (settings) =>
    llamaLike(settings, {
      family: 'granite',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias,
      ...graniteScales(settings)
    })
})
