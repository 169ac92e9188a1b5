import { alikeLayers } from './alikeLayers'
import { defineFamily } from './architecture'
import { LLAMA } from './llama'
import { llamaLike } from './llamaLike'
import { flag, number, orNull, readSettings } from './settings'

/** Defaults of transformers' HyperCLOVAXConfig: those of LLaMA, and what it adds. */
const TABLE = {
  ...LLAMA,
  embedding_multiplier: number(1),
  logits_scaling: number(1),
  residual_multiplier: number(1),
  attention_multiplier: orNull(number),
  use_post_norm: flag(true)
}

/**
 * HyperCLOVA X: LLaMA with the factors of Granite, of which that of the logits multiplies, and norms after each sublayer too.
 *
 *     x += r · norm₂(o(attention(norm₁(x))));   x += r · norm₄(mlp(norm₃(x)))
 *
 * Source: transformers modeling_hyperclovax.
 */
export const hyperclovax = defineFamily({
  modelTypes: ['hyperclovax'],
  settings(config) {
    const settings = alikeLayers(config, readSettings(config, TABLE), { divided: true })
    // For the usual sizes of heads to the last bit what its class computes and writes.
    return { ...settings, attention_multiplier: settings.attention_multiplier ?? Math.sqrt(1 / settings.head_dim) }
  },
  build: (settings) =>
    llamaLike(settings, {
      family: 'hyperclovax',
      inputBias: settings.attention_bias,
      outputBias: settings.attention_bias,
      mlpBias: settings.mlp_bias,
      scale: settings.attention_multiplier,
      embeddingScale: settings.embedding_multiplier,
      residualScale: settings.residual_multiplier,
      logitScale: settings.logits_scaling,
      ...(settings.use_post_norm && { outerNorms: ['post_norm1', 'post_norm2'] as const })
    })
})
