import { describe, expect, it } from 'vitest'
import { readArchitecture, readModelSettings, SUPPORTED_MODEL_TYPES } from '../../../../src/engine/models/registry'
import { type Rope, rotationOf } from '../../../../src/engine/models/rope'

/** What transformers makes of these, key by key, is compared in test/conformance/test_configs.py. */
const settings = (config: Record<string, unknown>) => readModelSettings(config, 'config.json')
const layers = (config: Record<string, unknown>) =>
  settings(config).layers as { readonly window: number | null; readonly rope: Rope }[]
const windows = (config: Record<string, unknown>) => layers(config).map(({ window }) => window)

describe('an absent key', () => {
  // Of these, layers must be listed, or numbers must be given.
  const incomplete = [
    'lfm2_moe',
    'deepseek_v2',
    'dots1',
    'hunyuan_v1_moe',
    'ministral',
    'glm4v',
    'glm46v',
    'glm4v_moe',
    'hunyuan_vl'
  ]
  it.each(SUPPORTED_MODEL_TYPES.filter((type) => !incomplete.includes(type)))(
    'has the default of its config class, so a config of %s may hold nothing else',
    (type) => {
      expect(readArchitecture({ model_type: type }, 'config.json').blocks).toBeGreaterThan(0)
    }
  )

  it('of Gemma 2 means soft caps of 50 and 30, a null none', () => {
    const gemma2 = { model_type: 'gemma2' }
    expect(settings(gemma2)).toMatchObject({ attn_logit_softcapping: 50, final_logit_softcapping: 30 })
    expect(readArchitecture(gemma2, 'config.json').logitSoftcap).toBe(30)
    const none = { ...gemma2, attn_logit_softcapping: null, final_logit_softcapping: null }
    expect(settings(none)).toMatchObject({ attn_logit_softcapping: null, final_logit_softcapping: null })
    expect(readArchitecture(none, 'config.json').logitSoftcap).toBeUndefined()
  })

  it('of Gemma 3 means no soft cap, and two rotary bases', () => {
    const gemma3 = { model_type: 'gemma3_text', num_hidden_layers: 6 }
    expect(settings(gemma3)).toMatchObject({ attn_logit_softcapping: null, final_logit_softcapping: null })
    expect(layers(gemma3).map(({ rope }) => rope.theta)).toEqual([1e4, 1e4, 1e4, 1e4, 1e4, 1e6])
    expect(windows(gemma3)).toEqual([4096, 4096, 4096, 4096, 4096, null])
  })

  it('of Granite 4 means time steps without an upper bound, as an infinity does', () => {
    const granite = { model_type: 'granitemoehybrid' }
    expect(settings(granite).time_step_limit).toEqual([0, null])
    const infinity = { __float__: 'Infinity' } // which Python writes as a word; parseWithWords
    expect(settings({ ...granite, time_step_limit: [0.5, infinity] }).time_step_limit).toEqual([0.5, null])
  })

  it('of Mistral means a window of 4096, a null none', () => {
    expect(windows({ model_type: 'mistral', num_hidden_layers: 2 })).toEqual([4096, 4096])
    expect(windows({ model_type: 'mistral', num_hidden_layers: 2, sliding_window: null })).toEqual([null, null])
  })

  it('of Phi-3 means an epsilon of 1e-5', () => {
    expect(settings({ model_type: 'phi3' }).rms_norm_eps).toBe(1e-5)
    expect(settings({ model_type: 'llama' }).rms_norm_eps).toBe(1e-6)
  })
})

describe('another name of a key', () => {
  it('is read, and wins', () => {
    expect(settings({ model_type: 'gpt2', hidden_size: 24, n_embd: 48, num_attention_heads: 2 })).toMatchObject({
      n_embd: 24,
      n_head: 2
    })
    expect(settings({ model_type: 'bloom', n_embed: 48, hidden_size: 24, num_hidden_layers: 5 })).toMatchObject({
      hidden_size: 48,
      n_layer: 5
    })
  })

  it('is named when its value is wrong', () => {
    const config = { model_type: 'gpt2', hidden_size: null, n_embd: 48 }
    expect(() => settings(config)).toThrow('config.json: hidden_size is null, expected a positive integer')
  })
})

describe('windows', () => {
  const qwen = { model_type: 'qwen2', num_hidden_layers: 3, use_sliding_window: true, sliding_window: 16 }

  it('of Qwen are those of the layers from max_window_layers on', () => {
    expect(windows({ ...qwen, max_window_layers: 3 })).toEqual([null, null, null])
    expect(windows({ ...qwen, max_window_layers: 1 })).toEqual([null, 16, 16])
    expect(windows({ ...qwen, max_window_layers: 0, use_sliding_window: false })).toEqual([null, null, null])
    const listed = ['full_attention', 'sliding_attention', 'attention']
    expect(windows({ ...qwen, max_window_layers: 0, layer_types: listed })).toEqual([null, 16, null])
  })

  it.each([
    [{ layer_types: ['full_attention'] }, 'expected 3 times sliding_attention or full_attention'],
    [{ layer_types: ['full_attention', 'full_attention', 'toString'] }, 'expected 3 times sliding_attention'],
    [{ layer_types: Array(3).fill('sliding_attention'), use_sliding_window: false }, 'there is no sliding_window'],
    [{ sliding_window: 0 }, 'sliding_window is 0, expected a positive integer'],
    [{ num_attention_heads: 2 ** 32 }, 'num_attention_heads is 4294967296, expected at most 4096'],
    [{ num_hidden_layers: 1e15 }, 'num_hidden_layers is 1000000000000000, expected at most 4096']
  ])('are refused where transformers would fail: %j', (change, message) => {
    expect(() => settings({ ...qwen, ...change })).toThrow(message)
  })
})

describe('a key that changes the result and is not computed', () => {
  it.each([
    [
      { model_type: 'gemma3_text', use_bidirectional_attention: true },
      'use_bidirectional_attention is true, expected false or null: an embedding model, which predicts no next token, cannot be prepared'
    ],
    [
      { model_type: 'gemma2', use_bidirectional_attention: true },
      'use_bidirectional_attention is true, expected null or false'
    ],
    [
      { model_type: 'gemma4_text', use_bidirectional_attention: 'all' },
      'use_bidirectional_attention is "all", expected null or "vision": an embedding model'
    ],
    [
      { model_type: 'gemma4_text', per_layer_config: { 0: { intermediate_size: 64 } } },
      'per_layer_config is {"0":{"intermediate_size":64}}, expected null, or an object with head_dim and num_key_value_heads'
    ],
    [
      { model_type: 'gemma4_text', per_layer_config: { 0: { head_dim: 64 } } },
      'layers of type sliding_attention have different heads, expected the same in all of them'
    ],
    [
      { model_type: 'gemma4_text', num_kv_shared_layers: 29 },
      'num_kv_shared_layers is 29, expected so many that layers of every type keep keys and values of their own'
    ],
    [
      { model_type: 'gemma4_text', rope_scaling: null },
      'rope_scaling: sliding_attention is missing, expected the rotary positions of these layers'
    ],
    [
      { model_type: 'gemma3n_text', num_kv_shared_layers: 34 },
      'num_kv_shared_layers is 34, expected so many that layers of every type keep keys and values of their own'
    ],
    [
      { model_type: 'gemma3n_text', num_hidden_layers: 5, num_kv_shared_layers: 0, intermediate_size: [4, 4] },
      'intermediate_size is [4,4], expected a positive integer, or one for each of 5 layers'
    ],
    [
      { model_type: 'gemma3n_text', num_hidden_layers: 1, num_kv_shared_layers: 0, activation_sparsity_pattern: [1] },
      'activation_sparsity_pattern is [1], expected null, or a share below 1 for each of 1 layers'
    ],
    [
      { model_type: 'gemma3n_text', num_attention_heads: 6, num_key_value_heads: 2 },
      'num_attention_heads is 6, expected a divisor of hidden_size 2048'
    ],
    [{ model_type: 'llama', is_causal: false }, 'is_causal is false, expected true'],
    [
      { model_type: 'qwen3', per_layer_config: { 0: { head_dim: 64 } } },
      'per_layer_config is {"0":{"head_dim":64}}, expected null'
    ],
    [{ model_type: 'gpt2', add_cross_attention: true }, 'add_cross_attention is true, expected false'],
    [
      { model_type: 'opt', layer_norm_elementwise_affine: false },
      'layer_norm_elementwise_affine is false, expected true'
    ],
    [
      { model_type: 'bloom', pretraining_tp: 2, slow_but_exact: true },
      'slow_but_exact is true, expected false where pretraining_tp is 2'
    ],
    [{ model_type: 'gpt_neox', head_dim: 4 }, 'head_dim is 4, expected 96, hidden_size / num_attention_heads']
  ])('is refused by name: %j', (config, message) => {
    expect(() => settings(config)).toThrow(`config.json: ${message}`)
  })

  it.each([
    { model_type: 'llama', attn_logit_softcapping: 5, sliding_window: 4, use_bidirectional_attention: true },
    { model_type: 'bloom', hidden_act: 'whatever' },
    { model_type: 'gemma', hidden_activation: 'whatever' }
  ])('is ignored where the family ignores it: %j', ({ model_type, ...ignored }) => {
    expect(settings({ model_type, ...ignored })).toEqual(settings({ model_type }))
  })
})

describe('a Gemma 4 that is not computed', () => {
  it.each([
    [
      { enable_moe_block: true, num_experts: 8, moe_intermediate_size: 64 },
      'top_k_experts is null, expected a positive whole number where enable_moe_block is true'
    ],
    [
      { enable_moe_block: true, num_experts: 8, top_k_experts: 9, moe_intermediate_size: 64 },
      'top_k_experts is 9, expected at most 8, the number of experts'
    ],
    [
      { enable_moe_block: true, num_experts: 5000, top_k_experts: 2, moe_intermediate_size: 64 },
      '5000 experts in a block, expected at most 4096'
    ],
    [
      { vocab_size_per_layer_input: 9, vocab_size: 10 },
      'vocab_size_per_layer_input is 9, expected at least vocab_size 10'
    ],
    [
      { num_kv_shared_layers: 2, hidden_size_per_layer_input: 0 },
      'num_kv_shared_layers is 2 and hidden_size_per_layer_input 0, with which transformers fails'
    ]
  ])('is refused by name: %j', (config, message) => {
    expect(() => readArchitecture({ model_type: 'gemma4_text', ...config }, 'config.json')).toThrow(message)
  })
})

describe('streams of Gemma 3n that are none', () => {
  it.each([
    [{ altup_num_inputs: 1 }, 'altup_num_inputs is 1, expected at least 2'],
    [{ altup_active_idx: 4 }, 'altup_active_idx is 4, expected less than altup_num_inputs 4']
  ])('are refused by name: %j', (config, message) => {
    expect(() => readArchitecture({ model_type: 'gemma3n_text', ...config }, 'config.json')).toThrow(message)
  })
})

describe('longrope of LLaMA with a factor', () => {
  // Seen with 2 and 16 where the positions' ratio is 8: √(1 + ln f / ln 32), by transformers 5.23.
  it.each([
    [2, 1.0954451150103324],
    [16, 1.3416407864998738]
  ])('has the magnitude of factor %d', (factor, magnitude) => {
    const lists = { short_factor: [1, 1, 1], long_factor: [1, 2, 3] }
    const scaling = { rope_type: 'longrope', ...lists, original_max_position_embeddings: 32, factor }
    const config = { model_type: 'llama', head_dim: 6, max_position_embeddings: 256, rope_scaling: scaling }
    const [layer] = layers(config)
    expect(rotationOf(layer?.rope as Rope, 8).magnitude).toBeCloseTo(magnitude, 12)
  })
})
