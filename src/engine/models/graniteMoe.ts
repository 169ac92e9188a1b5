import type { Value } from '../graph/graphBuilder'
import { alikeLayers } from './alikeLayers'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { checkRouting, gatedExperts, selectedSoftmax } from './experts'
import { GRANITE_FACTORS, graniteScales } from './granite'
import { GRANITE_WINDOWS, graniteWindows } from './graniteSwa'
import type { LayerBuilder } from './layerBuilder'
import { readLayerTypes } from './layerTypes'
import { LLAMA_BASE } from './llama'
import { llamaLike } from './llamaLike'
import { KEPT_MAMBA, mamba2 } from './mamba2'
import { checkMamba2, MAMBA2, mamba2Spec, mambaHeadDim } from './mamba2Settings'
import { expertsNote, sharedExpert } from './routedExperts'
import { selfAttention } from './selfAttention'
import { beside, integer, natural, orNull, readSettings, type Settings, text, texts } from './settings'

/** Defaults of transformers' GraniteMoeConfig: those of LLaMA, and what it adds. */
const TABLE = {
  ...LLAMA_BASE,
  ...GRANITE_FACTORS,
  head_dim: beside(integer, 1),
  num_local_experts: integer(8),
  num_experts_per_tok: integer(2)
}

/** Defaults of GraniteMoeSharedConfig. */
const SHARED = { ...TABLE, shared_intermediate_size: natural(0) }

/**
 * Defaults of GraniteMoeHybridConfig, which looks at sizes of Mamba layers also where there are none. Dense models, such as
 * Granite 4.0 Micro, have 0 experts, of which each token has 0.
 */
const HYBRID = {
  ...TABLE,
  num_local_experts: natural(8),
  num_experts_per_tok: natural(2),
  shared_intermediate_size: integer(1024),
  position_embedding_type: orNull(text),
  layer_types: orNull(texts),
  ...MAMBA2
}

const HYBRID_ALIASES = { layers_block_type: 'layer_types' }

/** The module of experts and router, and names in it: those in files, and those of transformers 5. */
const MODULE = 'block_sparse_moe'
const NAMES: Readonly<Record<string, string>> = {
  'input_linear.weight': 'experts.gate_up_proj',
  'output_linear.weight': 'experts.down_proj',
  'router.layer.weight': 'router.weight'
}

/**
 * Granite 3 with experts in the place of the MLP: its factors, weights of the chosen experts as of a softmax over them alone.
 *
 * Source: transformers modeling_granitemoe.
 */
export const graniteMoe = defineFamily({
  modelTypes: ['granitemoe'],
  settings: (config) => read(config, readSettings(config, TABLE)),
  build: (settings) => graniteLike(settings, { family: 'granitemoe', sharedSize: 0 })
})

/** The same with an MLP for every token beside the experts. Source: transformers modeling_granitemoeshared. */
export const graniteMoeShared = defineFamily({
  modelTypes: ['granitemoeshared'],
  settings: (config) => read(config, readSettings(config, SHARED)),
  build: (settings) =>
    graniteLike(settings, { family: 'granitemoeshared', sharedSize: settings.shared_intermediate_size })
})

/**
 * The latter with windows, sinks and a rotary base for each layer, as Granite with windows has them.
 *
 * Source: transformers modeling_granitemoe_swa, whose files have its own names.
 */
export const graniteMoeSwa = defineFamily({
  modelTypes: ['granitemoe_swa'],
  settings(config) {
    const settings = readSettings(config, { ...SHARED, ...GRANITE_WINDOWS })
    checkGraniteExperts(config, settings)
    return graniteWindows(config, settings)
  },
  build(settings) {
    const model = graniteLike(settings, {
      family: 'granitemoe_swa',
      sharedSize: settings.shared_intermediate_size,
      sinks: true
    })
    return { ...model, fileName: (name) => otherNames(name)[0] ?? name }
  }
})

/**
 * Granite 4: layers of Mamba-2 or of attention, with or without experts and positions.
 *
 * Source: transformers modeling_granitemoehybrid.
 */
export const graniteMoeHybrid = defineFamily({
  modelTypes: ['granitemoehybrid'],
  settings: readHybrid,
  check(settings, _where, config) {
    if (settings.layer_types.includes(MAMBA)) checkMamba2(config, settings)
  },
  build: buildHybrid
})

function read<S extends Settings<typeof TABLE>>(config: ConfigReader, settings: S, layerTypes?: readonly string[]) {
  checkGraniteExperts(config, settings)
  return alikeLayers(config, settings, layerTypes && { layerTypes })
}

function checkGraniteExperts(config: ConfigReader, settings: Settings<typeof TABLE>): void {
  const { num_local_experts: count, num_experts_per_tok: perToken } = settings
  if (count > 0 && perToken === 0)
    throw config.complaint('num_experts_per_tok', 'a positive integer where there are experts')
  if (count > 0) checkRouting(config, perToken, count)
}

function readHybrid(config: ConfigReader) {
  const settings = readSettings(config, HYBRID, HYBRID_ALIASES)
  const mamba_d_head = mambaHeadDim(config, settings, settings.mamba_expand * settings.hidden_size)
  const types = readLayerTypes(config, settings, () => MAMBA, ['full_attention', MAMBA])
  const whole = read(config, settings, types)
  const rotates = (index: number) => settings.position_embedding_type === 'rope' && types[index] !== MAMBA
  const layers = whole.layers.map((layer, index) => (rotates(index) ? layer : { ...layer, rope: null }))
  return { ...whole, mamba_d_head, layer_types: types, layers }
}

function buildHybrid(settings: ReturnType<typeof readHybrid>): ModelArchitecture {
  const spec = mamba2Spec(settings)
  const mixer = (layer: LayerBuilder, n: Value, index: number) =>
    settings.layer_types[index] === MAMBA ? mamba2(layer, n, spec) : undefined
  const sharedSize = settings.shared_intermediate_size
  const model = graniteLike(settings, { family: 'granitemoehybrid', sharedSize, mixer })
  return { ...model, ...(settings.layer_types.includes(MAMBA) && { kept: KEPT_MAMBA }) }
}

/** What transformers calls layers of Mamba. */
const MAMBA = 'linear_attention'

interface GraniteOptions {
  readonly family: string
  /** Width of the MLP beside the experts, 0 where there is none. */
  readonly sharedSize: number
  /** In the place of attention, where it gives something. */
  readonly mixer?: (layer: LayerBuilder, n: Value, index: number) => Value | undefined
  readonly sinks?: boolean
}

function graniteLike(
  settings: ReturnType<typeof read<Settings<typeof TABLE>>>,
  { family, sharedSize, mixer, sinks = false }: GraniteOptions
): ModelArchitecture {
  const { hidden_size: hiddenSize, num_local_experts: count, residual_multiplier: residual } = settings
  const spec = gatedExperts({
    count,
    perToken: settings.num_experts_per_tok,
    hiddenSize,
    intermediateSize: settings.intermediate_size,
    activation: settings.hidden_act,
    names: { router: `${MODULE}.router`, module: MODULE, stacked: ['input_linear.weight', 'output_linear.weight'] }
  })
  const shared = { ...settings, intermediate_size: sharedSize }
  const feedForward = (layer: LayerBuilder, n: Value): Value | undefined => {
    const { graph } = layer
    if (count > 0) {
      const logits = graph.gemm(n, layer.parameter(`${MODULE}.router.layer.weight`, [count, hiddenSize]), { transB: 1 })
      layer.addExperts(spec, n, graph.scaled(selectedSoftmax(graph, logits, spec), residual))
    }
    if (sharedSize === 0) return undefined
    return sharedExpert(layer, n, shared, {
      module: 'shared_mlp',
      names: ['input_linear', 'output_linear'],
      mlpBias: false
    })
  }
  const { attention_bias: bias } = settings
  const options = { inputBias: bias, outputBias: bias, mlpBias: false, sinks, ...graniteScales(settings), feedForward }
  const attention = (layer: LayerBuilder, n: Value, index: number) =>
    mixer?.(layer, n, index) ?? selfAttention(layer, n, index, settings, options)
  return {
    ...llamaLike(settings, { family, ...options, attention }),
    otherNames: (name) => otherNames(name),
    ...(count > 0 && { experts: expertsNote(spec, `${MODULE}.experts`, { quantizedIn4: false }) })
  }
}

function otherNames(name: string): string[] {
  const [before, own] = name.split(`.${MODULE}.`)
  const other = own === undefined ? undefined : NAMES[own]
  return other === undefined ? [] : [`${before}.${MODULE}.${other}`]
}
