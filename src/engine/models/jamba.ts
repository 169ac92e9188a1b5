import type { Value } from '../graph/graphBuilder'
import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import { checkTaps } from './causalConvolution'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import { checkRouting, gatedExperts } from './experts'
import { deriveHeads } from './heads'
import type { LayerBuilder } from './layerBuilder'
import { checkLayers } from './layerTypes'
import { type Mamba1Spec, mamba1 } from './mamba1'
import { refuseLayerTypes } from './mamba2Settings'
import { gatedMlp } from './mlp'
import { rmsNorm } from './norms'
import { addRoutedExperts, expertsNote } from './routedExperts'
import { projectedAttention } from './selfAttention'
import { beside, flag, integer, integerOrAuto, natural, number, readSettings } from './settings'

/** Defaults of transformers' JambaConfig. */
const TABLE = {
  vocab_size: integer(65_536),
  hidden_size: integer(4096),
  intermediate_size: integer(14_336),
  num_hidden_layers: integer(32),
  num_attention_heads: integer(32),
  num_key_value_heads: integer(8),
  head_dim: beside(integer, 1),
  hidden_act: activation('silu'),
  max_position_embeddings: integer(262_144),
  rms_norm_eps: number(1e-6),
  tie_word_embeddings: flag(false),
  num_experts_per_tok: integer(2),
  num_experts: integer(16),
  expert_layer_period: integer(2),
  expert_layer_offset: natural(1),
  attn_layer_period: integer(8),
  attn_layer_offset: natural(4),
  mamba_d_state: integer(16),
  mamba_d_conv: integer(4),
  mamba_expand: integer(2),
  mamba_dt_rank: integerOrAuto,
  mamba_conv_bias: flag(true),
  mamba_proj_bias: flag(false)
}

const ALIASES = { num_local_experts: 'num_experts' }

const MODULE = 'feed_forward'

/**
 * Jamba: attention without positions on every n-th layer, Mamba-1 on the others; on every m-th layer experts, whose weights do
 * not add up to 1, in the place of the MLP.
 *
 *     x += mix(norm₁(x));   x += down(act(gate(n)) · up(n)), n = norm₂(x)
 *
 * Source: transformers modeling_jamba.
 */
export const jamba = defineFamily({ modelTypes: ['jamba'], settings: readJamba, build: buildJamba })

function readJamba(config: ConfigReader) {
  refuseLayerTypes(config)
  const settings = readSettings(config, TABLE, ALIASES)
  const { hidden_size: hiddenSize, num_hidden_layers: count, mamba_dt_rank: rank } = settings
  checkLayers(config, count)
  checkOffset(config, settings, 'attn_layer')
  checkOffset(config, settings, 'expert_layer')
  checkTaps(config, 'mamba_d_conv', settings.mamba_d_conv)
  if (sparseLayers(settings).includes(true)) checkRouting(config, settings.num_experts_per_tok, settings.num_experts)
  const layers = Array.from({ length: count }, () => ({ window: null, rope: null }))
  const mamba_dt_rank = rank === 'auto' ? Math.ceil(hiddenSize / 16) : rank
  return { ...settings, ...deriveHeads(config, settings), mamba_dt_rank, layers }
}

interface Periods {
  readonly num_hidden_layers: number
  readonly num_experts: number
  readonly expert_layer_period: number
  readonly expert_layer_offset: number
  readonly attn_layer_period: number
  readonly attn_layer_offset: number
}

/** @throws {AppError} BAD_INPUT for an offset that no layer has, which config classes refuse */
function checkOffset(config: ConfigReader, settings: Periods, name: 'attn_layer' | 'expert_layer'): void {
  const period = settings[`${name}_period`]
  if (settings[`${name}_offset`] >= period) {
    throw config.complaint(`${name}_offset`, `less than ${name}_period ${period}`)
  }
}

const attends = ({ attn_layer_period: period, attn_layer_offset: offset }: Periods, index: number): boolean =>
  index % period === offset

/** Which layers have experts: of one alone nothing is made. */
const sparseLayers = (settings: Periods): boolean[] =>
  Array.from(
    { length: settings.num_hidden_layers },
    (_, index) => settings.num_experts > 1 && index % settings.expert_layer_period === settings.expert_layer_offset
  )

function buildJamba(settings: ReturnType<typeof readJamba>): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon } = settings
  const [sparse, mixer, experts] = [sparseLayers(settings), mamba1Spec(settings), expertsSpec(settings)]
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const mix = (layer: LayerBuilder, n: Value, index: number) =>
    attends(settings, index)
      ? projectedAttention(layer, n, index, settings, { inputBias: false, outputBias: false })
      : mamba1(layer, n, mixer)
  return decoder(settings, {
    family: 'jamba',
    ...(sparse.includes(true) && { experts: expertsNote(experts, `${MODULE}.experts`, { quantizedIn4: true }) }),
    buildBlock(layer, x, index) {
      const middle = layer.graph.add(x, mix(layer, norm(layer, x, 'input_layernorm'), index))
      const n = norm(layer, middle, 'pre_ff_layernorm')
      if (!sparse[index])
        return layer.graph.add(middle, gatedMlp(layer, n, settings, { module: MODULE, mlpBias: false }))
      addRoutedExperts(layer, n, experts, { scores: 'softmax', normed: false })
      return middle
    },
    buildFinalNorm: (layer, x) => norm(layer, x, 'model.final_layernorm')
  })
}

const expertsSpec = (settings: ReturnType<typeof readJamba>) =>
  gatedExperts({
    count: settings.num_experts,
    perToken: settings.num_experts_per_tok,
    hiddenSize: settings.hidden_size,
    intermediateSize: settings.intermediate_size,
    activation: settings.hidden_act,
    names: { router: `${MODULE}.router`, module: `${MODULE}.experts`, alone: ['gate_proj', 'up_proj', 'down_proj'] }
  })

const mamba1Spec = (settings: ReturnType<typeof readJamba>): Mamba1Spec => ({
  module: 'mamba',
  hiddenSize: settings.hidden_size,
  channels: settings.mamba_expand * settings.hidden_size,
  stateDim: settings.mamba_d_state,
  stepRank: settings.mamba_dt_rank,
  taps: settings.mamba_d_conv,
  convolutionBias: settings.mamba_conv_bias,
  bias: settings.mamba_proj_bias,
  activation: settings.hidden_act,
  epsilon: settings.rms_norm_eps
})
