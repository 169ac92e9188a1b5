import type { Value } from '../graph/graphBuilder'
import { activate } from './activations'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import { BAMBA } from './bamba'
import type { ConfigReader } from './configReader'
import { decoder } from './decoder'
import type { LayerBuilder } from './layerBuilder'
import { KEPT_MAMBA, type Mamba2Spec, mamba2 } from './mamba2'
import { checkMamba2, mamba2Spec, mambaHeadDim, refuseLayerTypes } from './mamba2Settings'
import { rmsNorm } from './norms'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings, type Setting, type Settings } from './settings'

/** So many factors, all 1 where none are given. */
const factors = (count: number): Setting<number[]> => ({
  fallback: Array(count).fill(1),
  read: (config, key) => (config.has(key) ? config.numbers(key, count) : Array(count).fill(1))
})

/** Defaults of transformers' FalconH1Config. */
const TABLE = {
  ...BAMBA,
  max_position_embeddings: integer(8192),
  projectors_bias: orNull(flag, false),
  mamba_expand: orNull(integer, 2),
  mamba_d_ssm: orNull(integer, 1024),
  mamba_rms_norm: orNull(flag, false),
  mamba_norm_before_gate: orNull(flag, true),
  embedding_multiplier: number(1),
  lm_head_multiplier: number(1),
  key_multiplier: number(1),
  attention_in_multiplier: number(1),
  attention_out_multiplier: number(1),
  ssm_in_multiplier: number(1),
  ssm_out_multiplier: number(1),
  ssm_multipliers: factors(5),
  mlp_multipliers: factors(2)
}

/**
 * Falcon-H1: Mamba-2 and attention beside each other on every layer, with factors (µP) before and after nearly all linears.
 *
 *     x += sₒ · mamba(sᵢ n) + aₒ · attention(aᵢ n), n = norm₁(x);   x += mlp(norm₂(x))
 *
 * Source: transformers modeling_falcon_h1.
 */
export const falconH1 = defineFamily({
  modelTypes: ['falcon_h1'],
  settings: readFalconH1,
  check(settings, _where, config) {
    checkMamba2(config, settings)
    // The kernel of mamba-ssm, which trains the model where it is installed, is told the reverse of it.
    if (settings.mamba_rms_norm && settings.mamba_norm_before_gate) {
      throw config.complaint('mamba_norm_before_gate', 'false where mamba_rms_norm is true: kernels differ in it')
    }
  },
  build: buildFalconH1
})

function readFalconH1(config: ConfigReader) {
  refuseLayerTypes(config)
  const settings = readSettings(config, TABLE)
  return {
    ...alikeLayers(config, settings),
    mamba_d_head: mambaHeadDim(config, settings, mambaWidth(config, settings))
  }
}

/** @throws {AppError} BAD_INPUT where neither of two keys gives it */
function mambaWidth(config: ConfigReader, settings: Settings<typeof TABLE>): number {
  const { mamba_d_ssm: width, mamba_expand: factor, hidden_size: hiddenSize } = settings
  if (width !== null) return width
  if (factor === null) throw config.complaint('mamba_expand', 'a positive integer where mamba_d_ssm is null')
  return factor * hiddenSize
}

type FalconH1Settings = ReturnType<typeof readFalconH1>

function buildFalconH1(settings: FalconH1Settings): ModelArchitecture {
  const { hidden_size: hiddenSize, rms_norm_eps: epsilon } = settings
  const norm = (layer: LayerBuilder, x: Value, name: string) => rmsNorm(layer, x, name, hiddenSize, epsilon)
  const spec: Mamba2Spec = {
    ...mamba2Spec(settings),
    outputBias: settings.projectors_bias === true,
    normed: settings.mamba_rms_norm === true,
    partFactors: settings.ssm_multipliers
  }
  return decoder(settings, {
    family: 'falcon_h1',
    kept: KEPT_MAMBA,
    buildEmbedding: ({ graph }, x) => graph.scaled(x, settings.embedding_multiplier),
    buildBlock(layer, x, index) {
      const { graph } = layer
      const n = norm(layer, x, 'input_layernorm')
      const states = mamba2(layer, graph.scaled(n, settings.ssm_in_multiplier), spec)
      const attended = attention(layer, graph.scaled(n, settings.attention_in_multiplier), index, settings)
      const mixed = graph.add(
        graph.scaled(states, settings.ssm_out_multiplier),
        graph.scaled(attended, settings.attention_out_multiplier)
      )
      const middle = graph.add(x, mixed)
      return graph.add(middle, feedForward(layer, norm(layer, middle, 'pre_ff_layernorm'), settings))
    },
    // The head is linear: its factor may as well be one of what it gets.
    buildFinalNorm: (layer, x) =>
      layer.graph.scaled(norm(layer, x, 'model.final_layernorm'), settings.lm_head_multiplier)
  })
}

function attention(layer: LayerBuilder, n: Value, index: number, settings: FalconH1Settings): Value {
  const { attention_bias: bias, key_multiplier: factor } = settings
  const headNorms = { q: (q: Value) => q, k: (k: Value) => layer.graph.scaled(k, factor) }
  return projectedAttention(layer, n, index, settings, { inputBias: bias, outputBias: bias, headNorms })
}

/** b · down(act(a · gate(n)) · up(n)). */
function feedForward(layer: LayerBuilder, n: Value, settings: FalconH1Settings): Value {
  const { hidden_size: hidden, intermediate_size: wide, mlp_bias: bias, mlp_multipliers: given } = settings
  const { graph } = layer
  const [ofGate, ofDown] = given as [number, number]
  const up = layer.linear('feed_forward.up_proj', n, { in: hidden, out: wide, bias })
  const gate = graph.scaled(layer.linear('feed_forward.gate_proj', n, { in: hidden, out: wide, bias }), ofGate)
  const gated = graph.mul(up, activate(graph, settings.hidden_act, gate))
  return graph.scaled(layer.linear('feed_forward.down_proj', gated, { in: wide, out: hidden, bias }), ofDown)
}
