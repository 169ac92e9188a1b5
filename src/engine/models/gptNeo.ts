import { activation } from './activations'
import { defineFamily, type ModelArchitecture } from './architecture'
import type { ConfigReader } from './configReader'
import { TRANSFORMER_NAMES } from './decoder'
import { equalHeads } from './heads'
import { addPositions } from './learnedPositions'
import { plainMlp } from './mlp'
import { layerNorm } from './norms'
import { projectedAttention } from './selfAttention'
import { flag, integer, number, orNull, readSettings, type Setting } from './settings'

const TYPES = ['global', 'local'] as const

/** Runs of layers: the types of one round, and how many rounds there are. */
type Runs = readonly (readonly [types: string[], rounds: number])[]

const USUAL: Runs = [[[...TYPES], 12]]

const runs: Setting<Runs> = {
  fallback: USUAL,
  read(config, key) {
    const value = config.raw(key)
    if (value === null) return USUAL
    if (Array.isArray(value) && value.every(isRun)) return value as Runs
    throw config.complaint(key, 'a list of [types of a round, rounds]')
  }
}

function isRun(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [types, rounds] = value as unknown[]
  return Array.isArray(types) && Number.isSafeInteger(rounds) && (rounds as number) >= 0
}

/** Defaults of transformers' GPTNeoConfig. */
const TABLE = {
  vocab_size: integer(50_257),
  max_position_embeddings: integer(2048),
  hidden_size: integer(2048),
  num_layers: integer(24),
  attention_types: runs,
  num_heads: integer(16),
  intermediate_size: orNull(integer),
  window_size: integer(256),
  activation_function: activation('gelu_new'),
  layer_norm_epsilon: number(1e-5),
  tie_word_embeddings: flag(true)
}

const ALIASES = { num_attention_heads: 'num_heads', num_hidden_layers: 'num_layers' }

/**
 * GPT-Neo: GPT-2 with ordinary linears, scores without a factor, and a window on the layers that are local.
 *
 *     x += out(attention(q(n), k(n), v(n))), n = norm₁(x);   x += c_proj(act(c_fc(n))), n = norm₂(x)
 *
 * Source: transformers modeling_gpt_neo.
 */
export const gptNeo = defineFamily({ modelTypes: ['gpt_neo'], settings: readGptNeo, build: buildGptNeo })

function readGptNeo(config: ConfigReader) {
  const settings = readSettings(config, TABLE, ALIASES)
  const head_dim = equalHeads(config, settings.hidden_size, settings.num_heads)
  return { ...settings, head_dim, attention_layers: readTypes(config, settings.num_layers, settings.attention_types) }
}

/** The type of each layer; a list of them wins over runs. */
function readTypes(config: ConfigReader, layers: number, given: Runs): string[] {
  const listed = config.given('attention_layers')
  const types = listed ? config.strings('attention_layers') : expanded(given, layers)
  const known = types?.length === layers && types.every((type) => (TYPES as readonly unknown[]).includes(type))
  if (types !== undefined && known) return types
  const key = listed ? 'attention_layers' : 'attention_types'
  throw config.complaint(key, `${TYPES.join(' or ')} for each of ${layers} layers`)
}

/** Undefined where they are more than the layers. */
function expanded(given: Runs, layers: number): string[] | undefined {
  const count = given.reduce((sum, [types, rounds]) => sum + types.length * rounds, 0)
  if (count > layers) return undefined
  return given.flatMap(([types, rounds]) => (types.length === 0 ? [] : Array(rounds).fill(types).flat()))
}

function buildGptNeo(settings: ReturnType<typeof readGptNeo>): ModelArchitecture {
  const { hidden_size: hiddenSize, num_heads: heads, layer_norm_epsilon: epsilon } = settings
  const { max_position_embeddings: contextLimit, attention_layers: types, window_size: window } = settings
  const layers = types.map((type) => ({ window: type === 'local' ? window : null, rope: null }))
  const attention = { ...settings, num_attention_heads: heads, num_key_value_heads: heads, layers }
  const options = { module: 'attn.attention', output: 'out_proj', inputBias: false, outputBias: true, scale: 1 }
  const mlp = {
    hidden_size: hiddenSize,
    intermediate_size: settings.intermediate_size ?? 4 * hiddenSize,
    hidden_act: settings.activation_function
  }
  return {
    family: 'gpt_neo',
    hiddenSize,
    embeddingSize: hiddenSize,
    vocabularySize: settings.vocab_size,
    contextLimit,
    blocks: layers.length,
    tiedHead: settings.tie_word_embeddings,
    ...TRANSFORMER_NAMES,
    buildEmbedding: (layer, embedded) =>
      addPositions(layer, embedded, { name: 'transformer.wpe.weight', limit: contextLimit, size: hiddenSize }),
    buildBlock(layer, x, index) {
      const n = layerNorm(layer, x, 'ln_1', hiddenSize, epsilon)
      const middle = layer.graph.add(x, projectedAttention(layer, n, index, attention, options))
      const m = layerNorm(layer, middle, 'ln_2', hiddenSize, epsilon)
      return layer.graph.add(middle, plainMlp(layer, m, mlp, { names: ['mlp.c_fc', 'mlp.c_proj'], bias: true }))
    },
    buildFinalNorm: (layer, x) => layerNorm(layer, x, 'transformer.ln_f', hiddenSize, epsilon)
  }
}
