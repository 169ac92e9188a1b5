import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { causalAttention } from './attention'
import type { ConfigReader } from './configReader'
import { GPT_ALIASES, gptDecoder } from './gptDecoder'
import { equalHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { flag, integer, number, orNull, readSettings } from './settings'

/** Defaults of transformers' GPTJConfig and CodeGenConfig. */
const TABLE = {
  vocab_size: integer(50_400),
  n_positions: integer(2048),
  n_embd: integer(4096),
  n_layer: integer(28),
  n_head: integer(16),
  rotary_dim: integer(64),
  n_inner: orNull(integer),
  activation_function: activation('gelu_new'),
  layer_norm_epsilon: number(1e-5),
  tie_word_embeddings: flag(false)
}

/** CodeGen's q, v and k lie in as many parts, one for each core of the machine that it was trained on. */
const CODEGEN_PARTS = 4
const THETA = 10_000

/**
 * GPT-J: attention and MLP side by side after one layer norm, the first `rotary_dim` dimensions of a head rotate, neighbours
 * as pairs; the linears of the attention have no bias, the others and the head have one.
 *
 *     x += out(attention(q(n), k(n), v(n))) + fc_out(act(fc_in(n))), n = norm(x)
 *
 * Source: transformers modeling_gptj.
 */
export const gptj = defineFamily({
  modelTypes: ['gptj'],
  settings: readGptj,
  build: (settings) => buildGptj(settings, 'gptj', separate)
})

/** The same with one linear for q, k and v. Source: modeling_codegen. */
export const codegen = defineFamily({
  modelTypes: ['codegen'],
  settings(config) {
    const settings = readGptj(config)
    if (settings.n_head % CODEGEN_PARTS === 0) return settings
    throw config.complaint('n_head', `a multiple of ${CODEGEN_PARTS}`)
  },
  build: (settings) => buildGptj(settings, 'codegen', inParts)
})

function readGptj(config: ConfigReader) {
  const settings = readSettings(config, TABLE, GPT_ALIASES)
  const { rotary_dim } = settings
  const head_dim = equalHeads(config, settings.n_embd, settings.n_head)
  if (rotary_dim % 2 !== 0 || rotary_dim > head_dim) {
    throw config.complaint('rotary_dim', `an even number up to ${head_dim}, the dimensions of a head`)
  }
  return { ...settings, head_dim }
}

type Project = (layer: LayerBuilder, n: Value, hidden: number) => { q: Value; k: Value; v: Value }

const separate: Project = (layer, n, hidden) => {
  const linear = (name: string) => layer.linear(`attn.${name}`, n, { in: hidden, out: hidden, bias: false })
  return { q: linear('q_proj'), k: linear('k_proj'), v: linear('v_proj') }
}

const inParts: Project = (layer, n, hidden) => {
  const { graph } = layer
  const width = hidden / CODEGEN_PARTS
  const fused = layer.linear('attn.qkv_proj', n, { in: hidden, out: 3 * hidden, bias: false })
  const parts = graph.split(graph.reshape(fused, [-1, CODEGEN_PARTS, 3 * width]), 2, [width, width, width])
  const [q, v, k] = parts.map((part) => graph.reshape(part, [-1, hidden])) as [Value, Value, Value]
  return { q, k, v }
}

function buildGptj(settings: ReturnType<typeof readGptj>, family: string, project: Project): ModelArchitecture {
  const { n_embd: hiddenSize, n_head: heads, head_dim: headDim, layer_norm_epsilon: epsilon } = settings
  const rope = { theta: THETA, size: settings.rotary_dim, scaling: { type: 'default' } } as const
  const shape = { heads, keyValueHeads: heads, headDim, rope, interleaved: true }
  const mlp = {
    hidden_size: hiddenSize,
    intermediate_size: settings.n_inner ?? 4 * hiddenSize,
    hidden_act: settings.activation_function
  }
  return gptDecoder(settings, {
    family,
    headBias: 'lm_head.bias',
    buildBlock(layer, x) {
      const { graph } = layer
      const n = layerNorm(layer, x, 'ln_1', hiddenSize, epsilon)
      const attended = causalAttention(layer, project(layer, n, hiddenSize), shape)
      const out = layer.linear('attn.out_proj', attended, { in: hiddenSize, out: hiddenSize, bias: false })
      const fed = plainMlp(layer, n, mlp, { names: ['mlp.fc_in', 'mlp.fc_out'], bias: true })
      return graph.add(graph.add(x, out), fed)
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  })
}
