import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { fusedAttention } from './fusedProjections'
import { GPT_ALIASES, gptDecoder } from './gptDecoder'
import { equalHeads } from './heads'
import { addPositions } from './learnedPositions'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { flag, integer, number, only, orNull, readSettings } from './settings'

/** Defaults of transformers' GPTBigCodeConfig. */
const TABLE = {
  vocab_size: integer(50_257),
  n_positions: integer(1024),
  n_embd: integer(768),
  n_layer: integer(12),
  n_head: integer(12),
  n_inner: orNull(integer),
  activation_function: activation('gelu_pytorch_tanh'),
  layer_norm_epsilon: number(1e-5),
  scale_attn_weights: flag(true),
  multi_query: flag(true),
  add_cross_attention: only(false),
  tie_word_embeddings: flag(true)
}

/**
 * StarCoder 1 and SantaCoder: GPT-2 with ordinary linears, and one head for keys and values (`multi_query`); without it
 * q, k and v of each head lie side by side.
 *
 * Source: transformers modeling_gpt_bigcode. `attention_softmax_in_fp32` changes only how half precision rounds.
 */
export const gptBigCode = defineFamily({ modelTypes: ['gpt_bigcode'], settings: readBigCode, build: buildBigCode })

function readBigCode(config: ConfigReader) {
  const settings = readSettings(config, TABLE, GPT_ALIASES)
  return { ...settings, head_dim: equalHeads(config, settings.n_embd, settings.n_head) }
}

function buildBigCode(settings: ReturnType<typeof readBigCode>): ModelArchitecture {
  const { n_embd: hiddenSize, n_head: heads, n_positions: limit, layer_norm_epsilon: epsilon } = settings
  const { head_dim: headDim, multi_query: multiQuery, scale_attn_weights: scaled } = settings
  const shape = { heads, keyValueHeads: multiQuery ? 1 : heads, headDim, ...(!scaled && { scale: 1 }) }
  const mlp = {
    hidden_size: hiddenSize,
    intermediate_size: settings.n_inner ?? 4 * hiddenSize,
    hidden_act: settings.activation_function
  }
  return gptDecoder(settings, {
    family: 'gpt_bigcode',
    buildEmbedding: (layer, x) => addPositions(layer, x, { name: 'transformer.wpe.weight', limit, size: hiddenSize }),
    buildBlock(layer, x) {
      const { graph } = layer
      const n = layerNorm(layer, x, 'ln_1', hiddenSize, epsilon)
      const attended = fusedAttention(layer, n, shape, { names: ['attn.c_attn', 'attn.c_proj'], bias: true })
      const middle = graph.add(x, attended)
      const m = layerNorm(layer, middle, 'ln_2', hiddenSize, epsilon)
      return graph.add(middle, plainMlp(layer, m, mlp, { names: ['mlp.c_fc', 'mlp.c_proj'], bias: true }))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  })
}
