import type { ModelArchitecture } from './architecture'
import type { LayerAttention } from './layerTypes'

/** What every decoder reads from its config, under the names of the config classes. */
export interface DecoderSettings {
  readonly vocab_size: number
  readonly hidden_size: number
  readonly max_position_embeddings: number
  readonly tie_word_embeddings: boolean
  readonly layers: readonly LayerAttention[]
}

/** What no two families share. */
export type OwnParts = Pick<ModelArchitecture, 'family' | 'buildBlock' | 'buildFinalNorm'>

/** Names of tensors as GPT-2 has them. */
export const TRANSFORMER_NAMES = {
  basePrefix: 'transformer.',
  embedding: 'transformer.wte.weight',
  head: 'lm_head.weight',
  blockPath: (index: number) => `transformer.h.${index}`
}

/**
 * A decoder whose tensors have the usual names: `model.embed_tokens`, `model.layers.N`, `lm_head`. Its blocks and its final
 * norm are the family's own.
 */
export const decoder = (settings: DecoderSettings, own: OwnParts & Partial<ModelArchitecture>): ModelArchitecture => ({
  hiddenSize: settings.hidden_size,
  embeddingSize: settings.hidden_size,
  vocabularySize: settings.vocab_size,
  contextLimit: settings.max_position_embeddings,
  blocks: settings.layers.length,
  basePrefix: 'model.',
  embedding: 'model.embed_tokens.weight',
  head: 'lm_head.weight',
  tiedHead: settings.tie_word_embeddings,
  blockPath: (index) => `model.layers.${index}`,
  ...own
})
