import type { Value } from '../graph/graphBuilder'
import type { ActivationName } from './activations'
import type { ModelArchitecture } from './architecture'
import { decoder } from './decoder'
import type { LayerBuilder } from './layerBuilder'
import { type GatedMlpOptions, gatedMlp, plainMlp } from './mlp'
import { rmsNorm } from './norms'
import { type SelfAttentionOptions, type SelfAttentionSettings, selfAttention } from './selfAttention'

/** What the relatives of LLaMA read from their configs, under the names of the config classes. */
export interface LlamaLikeSettings extends SelfAttentionSettings {
  readonly vocab_size: number
  readonly intermediate_size: number
  readonly hidden_act: ActivationName
  readonly max_position_embeddings: number
  readonly tie_word_embeddings: boolean
}

/** Where the relatives of LLaMA differ from it. */
export interface LlamaLikeOptions extends SelfAttentionOptions {
  readonly family: string
  readonly mlpBias: boolean
  readonly mlpNames?: GatedMlpOptions['names']
  /** False where the MLP has no gate: down(act(up(n))). */
  readonly gated?: boolean
  /** In the place of grouped-query attention. */
  readonly attention?: (layer: LayerBuilder, n: Value, index: number) => Value
  /** In the place of the MLP; undefined where experts behind the block do the rest, and norms stand before each sublayer. */
  readonly feedForward?: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
  /** Norms stand before each sublayer, x += f(norm(x)), or after it, x += norm(f(x)); before when left out. */
  readonly norms?: 'before' | 'after'
  /** Names of further norms, of what attention and MLP add, where norms stand before them. */
  readonly outerNorms?: readonly [attention: string, mlp: string]
  /** Factors of the embedding, of what each sublayer adds, and of the logits; 1 when left out. */
  readonly embeddingScale?: number
  readonly residualScale?: number
  readonly logitScale?: number
}

/**
 * Blocks of the LLaMA kind: grouped-query attention with rotary positions, gated MLP, RMS norms before each.
 *
 *     x += o(attention(q(n), k(n), v(n))), n = norm₁(x);   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_llama.
 */
export function llamaLike(settings: LlamaLikeSettings, options: LlamaLikeOptions): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon } = settings
  const { norm: form = rmsNorm, norms = 'before', embeddingScale = 1, residualScale = 1, logitScale = 1 } = options
  const norm = (layer: LayerBuilder, x: Value, name: string) => form(layer, x, name, hiddenSize, epsilon)
  const grouped = (layer: LayerBuilder, n: Value, index: number) => selfAttention(layer, n, index, settings, options)
  const { attention = grouped } = options
  const added = ({ graph }: LayerBuilder, x: Value, branch: Value) => graph.add(x, graph.scaled(branch, residualScale))

  const [afterAttention, afterMlp] = options.outerNorms ?? []
  const outer = (layer: LayerBuilder, branch: Value, name?: string) =>
    name === undefined ? branch : norm(layer, branch, name)

  const mlp = (layer: LayerBuilder, n: Value): Value => {
    const { gated = true, mlpBias, mlpNames: names } = options
    if (gated) return gatedMlp(layer, n, settings, { mlpBias, ...(names && { names }) })
    return plainMlp(layer, n, settings, { names: ['mlp.up_proj', 'mlp.down_proj'], bias: mlpBias })
  }

  return decoder(settings, {
    family: options.family,
    ...(embeddingScale !== 1 && { buildEmbedding: ({ graph }, x) => graph.scaled(x, embeddingScale) }),
    buildBlock(layer, x, index) {
      if (norms === 'after') {
        const attended = norm(layer, attention(layer, x, index), 'post_attention_layernorm')
        const middle = added(layer, x, attended)
        const fed = options.feedForward?.(layer, middle, index) ?? mlp(layer, middle)
        return added(layer, middle, norm(layer, fed, 'post_feedforward_layernorm'))
      }
      const attended = attention(layer, norm(layer, x, 'input_layernorm'), index)
      const middle = added(layer, x, outer(layer, attended, afterAttention))
      const n = norm(layer, middle, 'post_attention_layernorm')
      const branch = options.feedForward === undefined ? mlp(layer, n) : options.feedForward(layer, n, index)
      return branch === undefined ? middle : added(layer, middle, outer(layer, branch, afterMlp))
    },
    // The head is linear: its factor may as well be one of what it gets.
    buildFinalNorm: (layer, x) => layer.graph.scaled(norm(layer, x, 'model.norm'), logitScale)
  })
}
