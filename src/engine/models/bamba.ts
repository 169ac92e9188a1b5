import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import type { LayerBuilder } from './layerBuilder'
import { KEPT_MAMBA, mamba2 } from './mamba2'
import { checkMamba2, MAMBA2, mamba2Spec, mambaHeadDim, refuseLayerTypes } from './mamba2Settings'
import { gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { STANDARD_ROPE } from './ropeSettings'
import { projectedAttention } from './selfAttention'
import { beside, flag, integer, number, orNull, readSettings, wholes } from './settings'

/** Defaults of transformers' BambaConfig that FalconH1Config has too, but for the ones that it names. */
export const BAMBA = {
  vocab_size: integer(128_000),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: orNull(integer, 8),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(262_144),
  rms_norm_eps: number(1e-5),
  tie_word_embeddings: flag(false),
  attention_bias: flag(false),
  mlp_bias: flag(false),
  ...MAMBA2
}

/** Defaults of transformers' BambaConfig. */
const TABLE = { ...BAMBA, attn_layer_indices: orNull(wholes) }

/** The share of each head that rotates, whatever a key of that name beside the parameters says. */
const ROTATING = 0.5

/**
 * Bamba: Mamba-2 on most layers, attention with half of each head rotated on those that `attn_layer_indices` names.
 *
 *     x += mix(norm₁(x));   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_bamba.
 */
export const bamba = defineFamily({
  modelTypes: ['bamba'],
  settings: readBamba,
  check(settings, _where, config) {
    if (hasMamba(settings)) checkMamba2(config, settings)
  },
  build: buildBamba
})

function readBamba(config: ConfigReader) {
  refuseLayerTypes(config)
  const settings = readSettings(config, TABLE)
  const form = { ...STANDARD_ROPE, share: ['partial_rotary_factor', ROTATING], partial: true } as const
  const alike = alikeLayers(config.with({ partial_rotary_factor: ROTATING }), settings, { form })
  const mamba_d_head = mambaHeadDim(config, settings, settings.mamba_expand * settings.hidden_size)
  return { ...alike, mamba_d_head }
}

type BambaSettings = ReturnType<typeof readBamba>

const attends = ({ attn_layer_indices: indices }: BambaSettings, index: number): boolean =>
  indices?.includes(index) === true

const hasMamba = (settings: BambaSettings): boolean => !settings.layers.every((_, index) => attends(settings, index))

function buildBamba(settings: BambaSettings): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon, attention_bias: bias } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const spec = mamba2Spec(settings)
  return decoder(settings, {
    family: 'bamba',
    ...(hasMamba(settings) && { kept: KEPT_MAMBA }),
    buildBlock(layer, x, index) {
      const n = norm(layer, x, 'input_layernorm')
      const mixed = attends(settings, index)
        ? projectedAttention(layer, n, index, settings, { inputBias: bias, outputBias: bias })
        : mamba2(layer, n, spec)
      const middle = layer.graph.add(x, mixed)
      const mlp = { module: 'feed_forward', mlpBias: settings.mlp_bias }
      return layer.graph.add(middle, gatedMlp(layer, norm(layer, middle, 'pre_ff_layernorm'), settings, mlp))
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.final_layernorm')
  })
}
