import type { Value } from '../graph/graphBuilder'
import { alibiSlopes } from './alibi'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { TRANSFORMER_NAMES } from './decoder'
import { equalHeads } from './heads'
import { plainMlp } from './mlp'
import { plainLayerNorm } from './norms'
import { clipped } from './selfAttention'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' MptConfig. */
const TABLE = {
  vocab_size: integer(50_368),
  d_model: integer(2048),
  n_heads: integer(16),
  n_layers: integer(24),
  max_seq_len: integer(2048),
  layer_norm_epsilon: number(1e-5),
  tie_word_embeddings: flag(true)
}

/** Those of `attn_config` that its model reads. */
const ATTENTION = { clip_qkv: orNull(number), softmax_scale: orNull(number) }

const ALIASES = { num_attention_heads: 'n_heads', hidden_size: 'd_model', num_hidden_layers: 'n_layers' }

/**
 * MPT: ALiBi instead of positions, layer norms without bias, one linear for q, k and v, whose values may be cut off.
 *
 * Source: transformers modeling_mpt, which ignores `alibi`, `qk_ln`, `no_bias`, `expansion_ratio`, `logit_scale` and
 * `learned_pos_emb`.
 */
export const mpt = defineFamily({ modelTypes: ['mpt'], settings: readMpt, build: buildMpt })

function readMpt(config: ConfigReader) {
  const attention = config.object('attn_config')
  const settings = { ...readSettings(attention, ATTENTION), ...readSettings(config, TABLE, ALIASES) }
  if (settings.clip_qkv !== null && settings.clip_qkv < 0) throw attention.complaint('clip_qkv', 'null or at least 0')
  equalHeads(config, settings.d_model, settings.n_heads)
  return settings
}

function buildMpt(settings: ReturnType<typeof readMpt>): ModelArchitecture {
  const { d_model: hiddenSize, n_heads: heads, layer_norm_epsilon: epsilon, softmax_scale, clip_qkv } = settings
  const shape = {
    heads,
    keyValueHeads: heads,
    headDim: hiddenSize / heads,
    alibiSlopes: alibiSlopes(heads),
    scale: softmax_scale ?? undefined
  }
  const mlp = { hidden_size: hiddenSize, intermediate_size: 4 * hiddenSize, hidden_act: 'gelu' } as const
  return {
    family: 'mpt',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit: settings.max_seq_len,
    blocks: settings.n_layers,
    tiedHead: settings.tie_word_embeddings,
    ...TRANSFORMER_NAMES,
    blockPath: (index) => `transformer.blocks.${index}`,
    buildBlock(layer, x) {
      const { graph } = layer
      const n = plainLayerNorm(layer, x, 'norm_1', hiddenSize, epsilon)
      const fused = layer.linear('attn.Wqkv', n, { in: hiddenSize, out: 3 * hiddenSize, bias: false })
      // 0 cuts off nothing there.
      const cut = clipped(layer, fused, clip_qkv === 0 ? null : clip_qkv)
      const [q, k, v] = graph.split(cut, 1, [hiddenSize, hiddenSize, hiddenSize]) as [Value, Value, Value]
      const attended = causalAttention(layer, { q, k, v }, shape)
      const out = layer.linear('attn.out_proj', attended, { in: hiddenSize, out: hiddenSize, bias: false })
      const middle = graph.add(x, out)
      const m = plainLayerNorm(layer, middle, 'norm_2', hiddenSize, epsilon)
      return graph.add(middle, plainMlp(layer, m, mlp, { names: ['ffn.up_proj', 'ffn.down_proj'], bias: false }))
    },
    buildFinalNorm: (layer, x) => plainLayerNorm(layer, x, 'transformer.norm_f', hiddenSize, epsilon)
  }
}
