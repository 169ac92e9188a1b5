import type { ModelArchitecture } from './architecture'
import { type OwnParts, TRANSFORMER_NAMES } from './decoder'

/** Other names that the config classes of GPT-2 and its relatives have for their keys. */
export const GPT_ALIASES = {
  hidden_size: 'n_embd',
  max_position_embeddings: 'n_positions',
  num_attention_heads: 'n_head',
  num_hidden_layers: 'n_layer'
}

interface GptSettings {
  readonly vocab_size: number
  readonly n_embd: number
  readonly n_positions: number
  readonly n_layer: number
  readonly tie_word_embeddings: boolean
}

/** A decoder whose config and tensors have the names of GPT-2's; its blocks and what is around them are the family's own. */
export const gptDecoder = (settings: GptSettings, own: OwnParts & Partial<ModelArchitecture>): ModelArchitecture => ({
  hiddenSize: settings.n_embd,
  embeddingSize: settings.n_embd,
  vocabularySize: settings.vocab_size,
  contextLimit: settings.n_positions,
  blocks: settings.n_layer,
  tiedHead: settings.tie_word_embeddings,
  ...TRANSFORMER_NAMES,
  ...own
})
