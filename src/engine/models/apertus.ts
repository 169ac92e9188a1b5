import type { Value } from '../graph/graphBuilder'
import { type ActivationName, activate, activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import type { LayerBuilder } from './layerBuilder'
import { rmsNorm } from './norms'
import { ropeKey, STANDARD_ROPE } from './ropeSettings'
import { selfAttention } from './selfAttention'
import { beside, flag, integer, number, orNull, readSettings, type Setting } from './settings'
import { softplus } from './softplus'

/** Its own activation, or another one. */
const activationOrOwn: Setting<ActivationName | 'xielu'> = {
  fallback: 'xielu',
  read: (config, key) => (config.raw(key) === 'xielu' ? 'xielu' : activation('silu').read(config, key))
}

/** Defaults of transformers' ApertusConfig. */
const TABLE = {
  vocab_size: integer(131_072),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer),
  head_dim: beside(integer, 1),
  hidden_act: activationOrOwn,
  max_position_embeddings: integer(65_536),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false)
}

const ROPE = { ...STANDARD_ROPE, theta: ['rope_theta', 12_000_000] } as const

/** The rotary positions where a config has none. */
const LLAMA3 = {
  rope_type: 'llama3',
  rope_theta: 12_000_000,
  factor: 8,
  original_max_position_embeddings: 8192,
  low_freq_factor: 1,
  high_freq_factor: 4
}

/**
 * Apertus: LLaMA with normed heads, and an MLP without gate whose activation has parameters in each layer.
 *
 *     x += o(attention(q(n), k(n), v(n))), n = norm₁(x);   x += down(xIELU(up(n))), n = norm₂(x)
 *
 * Source: transformers modeling_apertus.
 */
export const apertus = defineFamily({ modelTypes: ['apertus'], settings: readApertus, build: buildApertus })

function readApertus(config: ConfigReader) {
  const bare = ropeKey(config) === 'rope_parameters' && !config.has('rope_parameters')
  const positions = bare ? config.with({ rope_parameters: LLAMA3 }) : config
  return alikeLayers(positions, readSettings(config, TABLE), { form: ROPE })
}

function buildApertus(settings: ReturnType<typeof readApertus>): ModelArchitecture {
  const { hidden_size: hiddenSize, intermediate_size: wide, rms_norm_eps: epsilon, attention_bias: bias } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const attention = { inputBias: bias, outputBias: bias, queryKeyNorm: { over: 'head' } } as const
  return decoder(settings, {
    family: 'apertus',
    buildBlock(layer, x, index) {
      const n = norm(layer, x, 'attention_layernorm')
      const middle = layer.graph.add(x, selfAttention(layer, n, index, settings, attention))
      const inner = norm(layer, middle, 'feedforward_layernorm')
      const up = layer.linear('mlp.up_proj', inner, { in: hiddenSize, out: wide, bias: false })
      const { hidden_act: name } = settings
      const active = name === 'xielu' ? xielu(layer, up) : activate(layer.graph, name, up)
      const down = layer.linear('mlp.down_proj', active, { in: wide, out: hiddenSize, bias: false })
      return layer.graph.add(middle, down)
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.norm')
  })
}

/**
 * x > 0: p x² + β x;   else: (exp(min(x, ε)) − 1 − x) n + β x, with p = softplus(α_p), n = β + softplus(α_n).
 *
 * Source: transformers activations.py, XIELUActivation.
 */
function xielu(layer: LayerBuilder, x: Value): Value {
  const { graph } = layer
  const scalar = (name: string, shape: readonly number[]) => layer.parameter(`mlp.act_fn.${name}`, shape)
  const p = softplus(graph, scalar('alpha_p', [1]))
  const beta = scalar('beta', [])
  const n = graph.add(beta, softplus(graph, scalar('alpha_n', [1])))
  const lowest = graph.scalar(LOWEST)
  const cut = graph.node('Clip', [x, lowest, scalar('eps', [])])
  const grown = graph.sub(graph.sub(graph.node('Exp', [cut]), graph.scalar(1)), x)
  const positive = graph.node('Where', [graph.node('Less', [graph.scalar(0), x]), graph.scalar(1), graph.scalar(0)])
  const above = graph.detach(positive)
  const below = graph.sub(graph.scalar(1), above)
  const bent = graph.add(graph.mul(above, graph.mul(p, graph.mul(x, x))), graph.mul(below, graph.mul(n, grown)))
  return graph.add(bent, graph.mul(beta, x))
}

/** The most negative float32. */
const LOWEST = -3.4028234663852886e38
