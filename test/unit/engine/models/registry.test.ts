import { describe, expect, it } from 'vitest'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { readArchitecture, SUPPORTED_MODEL_TYPES } from '../../../../src/engine/models/registry'

const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  vocab_size: 100
}
const neox = { ...llama, model_type: 'gpt_neox' }

/** Shape of every linear of the first block. */
const shapes = (config: Record<string, unknown>): Record<string, string> => {
  const parts = new ModelParts(readArchitecture(config, 'config.json'))
  return Object.fromEntries(
    parts.linears(0).map(({ name, outFeatures, inFeatures }) => [name, `${outFeatures} × ${inFeatures}`])
  )
}
const parameters = (config: Record<string, unknown>): string[] =>
  new ModelParts(readArchitecture(config, 'config.json')).tensors(0).map(({ name }) => name)

describe('the architecture of a config', () => {
  it('of LLaMA has as many key-value heads as heads where the number is missing', () => {
    const expected = {
      'self_attn.q_proj': '64 × 64',
      'self_attn.k_proj': '64 × 64',
      'self_attn.v_proj': '64 × 64',
      'self_attn.o_proj': '64 × 64',
      'mlp.gate_proj': '96 × 64',
      'mlp.up_proj': '96 × 64',
      'mlp.down_proj': '64 × 96'
    }
    expect(shapes(llama)).toEqual(expected)
    expect(shapes({ ...llama, num_key_value_heads: null })).toEqual(expected)
  })

  it('of LLaMA has smaller keys and values with fewer key-value heads', () => {
    expect(shapes({ ...llama, num_key_value_heads: 2 })).toMatchObject({
      'self_attn.q_proj': '64 × 64',
      'self_attn.k_proj': '32 × 64',
      'self_attn.v_proj': '32 × 64'
    })
  })

  it('of LLaMA takes a head size of its own', () => {
    expect(shapes({ ...llama, num_key_value_heads: 1, head_dim: 24 })).toMatchObject({
      'self_attn.q_proj': '96 × 64',
      'self_attn.k_proj': '24 × 64',
      'self_attn.o_proj': '64 × 96'
    })
  })

  it.each(['toString', 'constructor', '__proto__'])('has no activation %s', (hidden_act) => {
    expect(() => readArchitecture({ ...llama, hidden_act }, 'config.json')).toThrow(/^config\.json: hidden_act is "/)
  })

  it('has the biases that the config names', () => {
    const biases = (config: Record<string, unknown>) => parameters(config).filter((name) => name.endsWith('proj.bias'))
    expect(biases(llama)).toEqual([])
    expect(biases({ ...llama, attention_bias: true })).toHaveLength(4)
    expect(biases({ ...llama, mlp_bias: true })).toHaveLength(3)
    expect(parameters({ ...neox, attention_bias: false })).not.toContain('attention.dense.bias')
    expect(parameters(neox)).toContain('attention.dense.bias')
  })

  it('shares one second moment where linears read the same input', () => {
    const inputs = (config: Record<string, unknown>) =>
      new ModelParts(readArchitecture(config, 'config.json')).linears(0).map(({ input }) => input)
    expect(inputs(llama)).toEqual([0, 0, 0, 1, 2, 2, 3])
    expect(inputs(neox)).toEqual([0, 1, 2, 3])
  })

  it('ties the head to the embedding where the config says so', () => {
    const tied = (config: Record<string, unknown>) => readArchitecture(config, 'config.json').tiedHead
    expect(tied(llama)).toBe(false)
    expect(tied({ ...llama, tie_word_embeddings: true })).toBe(true)
    expect(tied(neox)).toBe(false)
    expect(tied({ ...neox, tie_word_embeddings: true })).toBe(true)
  })

  it.each([
    [{ ...llama, num_key_value_heads: 3 }, 'config.json: num_key_value_heads is 3, expected a divisor of 4 heads'],
    [{ ...neox, num_attention_heads: 3 }, 'num_attention_heads is 3, expected a divisor of hidden_size 64'],
    [{ ...llama, hidden_act: 'mish' }, 'config.json: hidden_act is "mish", expected one of silu, '],
    [{ ...llama, vocab_size: null }, 'config.json: vocab_size is null, expected a positive integer'],
    [
      { ...llama, model_type: 'rwkv' },
      `model_type is "rwkv"; quail families lists the ${SUPPORTED_MODEL_TYPES.length} types that are read`
    ],
    [{ model_type: 'gpt2', n_layer: 2 ** 32 }, 'config.json: the model has 4294967296 layers, expected at most 4096'],
    [
      { model_type: 'qwen3_5_text', linear_conv_kernel_dim: 2 ** 32 },
      'linear_conv_kernel_dim is 4294967296, expected at'
    ],
    [
      { model_type: 'qwen3_5_text', linear_num_key_heads: 5 },
      'config.json: linear_num_key_heads is 5, expected a divisor of linear_num_value_heads 32'
    ],
    [
      { model_type: 'qwen3_5_text', rope_parameters: { mrope_section: [1, 1] } },
      'rope_parameters: mrope_section is [1,1], expected a list of 3 whole numbers'
    ],
    [
      { model_type: 'qwen3_next', num_experts: 8 },
      'config.json: num_experts_per_tok is missing, expected at most 8, the number of experts'
    ],
    [
      { model_type: 'granitemoehybrid', num_experts_per_tok: 0 },
      'config.json: num_experts_per_tok is 0, expected a positive integer where there are experts'
    ],
    [
      { model_type: 'granitemoehybrid', mamba_n_groups: 3 },
      'config.json: mamba_n_groups is 3, expected a divisor of mamba_n_heads 128'
    ],
    [
      { model_type: 'granitemoehybrid', time_step_limit: null },
      'config.json: time_step_limit is null, expected two numbers'
    ],
    [
      { model_type: 'granitemoehybrid', time_step_limit: [0, { __float__: 'NaN' }] },
      'config.json: time_step_limit is [0,{"__float__":"NaN"}], expected two numbers'
    ],
    [{ model_type: 'granitemoehybrid', mamba_d_conv: 300 }, 'config.json: mamba_d_conv is 300, expected at most 256'],
    [{ model_type: 'granitemoehybrid', mamba_d_head: 5 }, 'config.json: mamba_d_head is 5, expected "auto" or 64'],
    [
      { model_type: 'nemotron_h', hybrid_override_pattern: 'M|E' },
      'config.json: hybrid_override_pattern is "M|E", expected letters of M E * -'
    ],
    [
      { model_type: 'nemotron_h', mamba_num_heads: 12 },
      'config.json: n_groups is missing, expected a divisor of mamba_num_heads 12'
    ],
    [
      { model_type: 'nemotron_h', n_group: 3 },
      'config.json: n_group is 3, expected a divisor of the 8 experts, of 2 experts at least each'
    ],
    [
      { model_type: 'falcon_h1', mamba_rms_norm: true },
      'config.json: mamba_norm_before_gate is missing, expected false where mamba_rms_norm is true'
    ],
    [
      { model_type: 'falcon_h1', ssm_multipliers: [1, 2] },
      'config.json: ssm_multipliers is [1,2], expected a list of 5 numbers'
    ],
    [
      { model_type: 'falcon_h1', mamba_d_ssm: null, mamba_expand: null },
      'config.json: mamba_expand is null, expected a positive integer where mamba_d_ssm is null'
    ],
    [
      { model_type: 'bamba', layer_types: ['attention'] },
      'config.json: layer_types is ["attention"], expected no such key'
    ],
    [{ model_type: 'lfm2_moe' }, 'config.json: layer_types is missing, expected a list'],
    [
      { model_type: 'glm4_moe', n_group: 3 },
      'config.json: n_group is 3, expected a divisor of the 128 experts, of 2 experts at least each'
    ],
    [{ model_type: 'glm4_moe', topk_group: 2 }, 'config.json: topk_group is 2, expected at most n_group 1'],
    [
      { model_type: 'deepseek_v3', num_experts_per_tok: 40, topk_group: 1 },
      'config.json: num_experts_per_tok is 40, expected at most 32, the experts of topk_group 1 groups'
    ],
    [
      {
        model_type: 'kimi_linear',
        num_hidden_layers: 3,
        linear_attn_config: { full_attn_layers: [2], kda_layers: [1, 4] }
      },
      'config.json: linear_attn_config: full_attn_layers and kda_layers are not the numbers 1 to 3 of all layers'
    ],
    [
      { model_type: 'kimi_linear', num_experts: 8, num_local_experts: 256, num_experts_per_token: 9 },
      'expected at most 8'
    ],
    [
      { model_type: 'mimo_v2_flash', num_attention_heads: 6, num_key_value_heads: 2 },
      'config.json: num_attention_heads is 6, expected twice num_key_value_heads 2, of layers with a window, to divide the 6 heads'
    ],
    [
      { model_type: 'mistral3', text_config: { model_type: 'mistral4', qk_rope_head_dim: 32, head_dim: 128 } },
      'config.json: text_config: 42 dimensions of a head rotate, expected 32, as qk_rope_head_dim'
    ],
    [
      {
        model_type: 'mistral3',
        text_config: { model_type: 'mistral4', rope_parameters: { llama_4_scaling_beta: 0.1 } }
      },
      'config.json: text_config: rope_parameters: type is missing, expected one of linear, dynamic, llama3, yarn, longrope'
    ],
    [{ model_type: 'deepseek_v3', head_dim: 128 }, 'config.json: head_dim is 128, expected 64, as qk_rope_head_dim'],
    [
      { model_type: 'hunyuan_v1_dense', rope_scaling: { type: 'dynamic', alpha: 2 } },
      'config.json: rope_scaling: factor is missing, expected a number'
    ],
    [
      { model_type: 'hunyuan_vl', text_config: { head_dim: 128 } },
      'config.json: text_config: rope_parameters: mrope_section is missing, which means [], expected a sum of 64, half of what rotates'
    ],
    [
      {
        model_type: 'hunyuan_vl',
        text_config: { head_dim: 128, rope_parameters: { mrope_section: [32, 32], xdrope_section: [16, 48] } }
      },
      'config.json: text_config: rope_parameters: xdrope_section is [16,48], expected the same as mrope_section, or only one of them'
    ],
    [{ model_type: 'deepseek_v2' }, 'config.json: num_experts_per_tok is missing, expected a positive integer'],
    [
      { model_type: 'deepseek_v2', topk_method: 'noaux_tc' },
      'config.json: topk_method is "noaux_tc", expected "greedy" or "group_limited_greedy"'
    ],
    [
      { model_type: 'deepseek_v2', topk_method: 'group_limited_greedy' },
      'config.json: n_group is missing, expected a positive integer'
    ],
    [
      { model_type: 'minicpm3', num_key_value_heads: 8 },
      'config.json: num_key_value_heads is 8, expected 40, the number of heads'
    ],
    [
      { model_type: 'glm4_moe_lite', num_hidden_layers: 2, mlp_layer_types: ['dense', 'moe'] },
      'config.json: mlp_layer_types is ["dense","moe"], expected 2 times sparse or dense'
    ],
    [{ model_type: 'solar_open', partial_rotary_factor: 0.5 }, 'config.json: rope_parameters: 64 dimensions of a head'],
    [
      { model_type: 'kolibri1', sliding_window: null },
      'config.json: sliding_window is null, expected a positive integer'
    ],
    [
      { model_type: 'olmo_hybrid', layer_types: Array(32).fill('attention') },
      'expected linear_attention and full_attention'
    ],
    [
      { model_type: 'glm4_moe_lite', partial_rotary_factor: 0.5 },
      'config.json: rope_parameters: 32 dimensions of a head rotate, expected all 64'
    ],
    [{ model_type: 'gpt_neo', num_layers: 3 }, 'expected global or local for each of 3 layers'],
    [
      { model_type: 'gpt_neo', attention_types: [[['local'], 2 ** 40]] },
      'expected global or local for each of 24 layers'
    ],
    [{ model_type: 'gpt_neo', attention_layers: Array(24).fill('far') }, 'attention_layers is ["far",'],
    [
      { model_type: 'cohere2_moe', expert_selection_fn: 'tanh' },
      'expert_selection_fn is "tanh", expected softmax or sig'
    ],
    [
      { model_type: 'cohere2_moe', rope_parameters: { rope_type: 'default' } },
      'rope_parameters: rope_theta is missing'
    ],
    [{ model_type: 'glm4_moe', n_routed_experts: 1 }, 'config.json: n_routed_experts is 1, expected at least 2'],
    [
      { model_type: 'afmoe', global_attn_every_n_layers: null },
      'config.json: global_attn_every_n_layers is null, expected a positive integer, where layer_types is missing'
    ],
    [{ model_type: 'afmoe', num_experts: 5 }, 'config.json: num_experts_per_tok is missing, expected at most 5'],
    [{ model_type: 'phimoe', num_local_experts: 1 }, 'config.json: num_local_experts is 1, expected at least 2'],
    [
      { model_type: 'phimoe', rope_scaling: { type: 'linear', factor: 2 } },
      'rope_scaling: type is "linear", expected one of default, longrope'
    ],
    [{ model_type: 'dots1' }, 'config.json: n_shared_experts is missing, expected a positive integer'],
    [
      { model_type: 'dots1', n_routed_experts: 4, n_shared_experts: 1, num_experts_per_tok: 5 },
      'config.json: num_experts_per_tok is 5, expected at most 4, the number of experts'
    ],
    [{ model_type: 'flex_olmo', num_experts: 4 }, 'config.json: num_experts_per_tok is missing, expected at most 4'],
    [
      { model_type: 'mellum', mlp_layer_types: ['sparse'] },
      'config.json: mlp_layer_types is ["sparse"], expected 28 times sparse or dense'
    ],
    [
      { model_type: 'mellum', rope_parameters: { full_attention: { rope_theta: 1e4, partial_rotary_factor: 0.5 } } },
      '64 dimensions of a head rotate, expected all 128 in this family'
    ],
    [{ model_type: 'hunyuan_v1_moe' }, 'config.json: head_dim is missing, expected a positive integer'],
    [
      { model_type: 'hunyuan_v1_moe', num_experts: 8, num_hidden_layers: 2, moe_topk: [2, 4] },
      'config.json: moe_topk is [2,4], expected a positive integer, or 2 times the same'
    ],
    [
      { model_type: 'laguna', num_attention_heads_per_layer: [8, 12], num_hidden_layers: 2 },
      'config.json: num_attention_heads_per_layer is [8,12], expected 2 multiples of num_key_value_heads 8'
    ],
    [
      {
        model_type: 'laguna',
        partial_rotary_factor: 0.5,
        rope_parameters: { full_attention: { type: 'linear', factor: 2, rope_theta: 1e4 } }
      },
      'partial_rotary_factor is 0.5, expected a share inside of the parameters of each type of layers'
    ],
    [
      { model_type: 'exaone_moe', sliding_window_pattern: 'LLLG' },
      'config.json: layer_types is missing, expected a list, where sliding_window_pattern is no number above 0'
    ],
    [{ model_type: 'exaone_moe', n_group: 2 }, 'config.json: n_group is 2, expected 1'],
    [
      { model_type: 'minimax_m2', rotary_dim: 200 },
      '200 dimensions of a head rotate, expected an even number up to 128'
    ],
    [{ model_type: 'olmoe', head_dim: 64 }, 'config.json: head_dim is 64, expected 128'],
    [
      { model_type: 'gemma2', layer_types: Array(26).fill('full_attention'), sliding_window: null },
      'config.json: sliding_window is null, expected a positive integer, without which transformers makes no masks'
    ],
    [
      { model_type: 'qwen2_moe', layer_types: Array(24).fill('sliding_attention') },
      'config.json: layer_types has sliding_attention, but there is no sliding_window'
    ],
    [{ model_type: 'lfm2', conv_L_cache: 2 ** 32 }, 'config.json: conv_L_cache is 4294967296, expected at most 256'],
    [{ model_type: 'lfm2', block_ffn_dim_multiplier: 0 }, 'block_ffn_dim_multiplier is 0, expected one with which'],
    [{ model_type: 'helium', head_dim: 64 }, 'hidden_size is 2560, expected num_attention_heads · head_dim = 1280'],
    [{ model_type: 'exaone4', sliding_window: null }, 'layer_types is missing, expected a list, where'],
    [{ model_type: 'smollm3', no_rope_layers: [1] }, 'no_rope_layers is [1], expected null or at least 36 numbers'],
    [{ model_type: 'llama4_text', no_rope_layers: [1] }, 'no_rope_layers is [1], expected null or 48 numbers, one for'],
    [
      { model_type: 'llama4_text', layer_types: Array(48).fill('sliding_attention') },
      'layer_types is ["sliding_attention",'
    ],
    [
      { model_type: 'llama4_text', attention_chunk_size: null },
      'attention_chunk_size is null, expected a positive integer'
    ],
    [{ model_type: 'llama4_text', attn_temperature_tuning: 4 }, 'attn_temperature_tuning is 4, expected true or false'],
    [{ model_type: 'llama4_text', floor_scale: 0 }, 'floor_scale is 0, expected a positive integer'],
    [
      { model_type: 'llama4_text', interleave_moe_layer_step: 0 },
      'interleave_moe_layer_step is 0, expected a positive integer where moe_layers is absent'
    ],
    [
      { model_type: 'llama4_text', num_experts_per_tok: 17 },
      'num_experts_per_tok is 17, expected at most 16, the number'
    ],
    [
      { model_type: 'llama4_text', num_hidden_layers: 2 ** 53 - 1 },
      'num_hidden_layers is 9007199254740991, expected at most'
    ],
    [
      { model_type: 'ministral3', rope_parameters: { rope_type: 'default' } },
      'rope_parameters: llama_4_scaling_beta is missing, expected a number'
    ],
    [{ model_type: 'ministral' }, 'config.json: head_dim is missing, expected a positive integer'],
    [{ model_type: 'cwm', sliding_window: null }, 'config.json: sliding_window is null, expected a positive integer'],
    [
      { model_type: 'cwm', num_attention_heads: 40 },
      'num_attention_heads is 40, expected a divisor of hidden_size 6144'
    ],
    [{ model_type: 'internlm3', qkv_bias: true }, 'config.json: mlp_bias is missing, expected what qkv_bias is, true'],
    [{ model_type: 'internlm3', bias: true }, 'config.json: bias is true, expected what qkv_bias is, false'],
    [{ model_type: 'iquestcoder', clip_qkv: 8 }, 'config.json: clip_qkv is 8, expected null'],
    [{ model_type: 'iquestcoder', use_sliding_window: true }, 'use_sliding_window is true, expected false'],
    [{ model_type: 'nanochat', final_logit_softcapping: 0 }, 'final_logit_softcapping is 0, expected a number above 0'],
    [
      { model_type: 'jais2', num_attention_heads: 25 },
      'num_attention_heads is 25, expected a divisor of hidden_size 3328'
    ],
    [
      { model_type: 'hyperclovax', hidden_size: 100 },
      'num_attention_heads is 32, expected a divisor of hidden_size 100'
    ],
    [{ model_type: 'vaultgemma', sliding_window: null }, 'config.json: sliding_window is null, expected a positive'],
    [{ model_type: 'granite_swa', layer_rope_theta: [0] }, 'layer_rope_theta is [0], expected a list of 24 numbers'],
    [
      { model_type: 'granite_swa', num_hidden_layers: 1, layer_rope_theta: [1e-300] },
      'layer_rope_theta is [1e-300], expected bases with which the rotary frequencies are finite'
    ],
    [{ model_type: 'lfm3', conv_L_cache: 2 ** 32 }, 'config.json: conv_L_cache is 4294967296, expected at most 256'],
    [
      { model_type: 'lfm3', rope_parameters: { full_attention: { rope_theta: 100 } } },
      'rope_parameters: sliding_attention is missing, expected the rotary positions of these layers'
    ],
    [{}, 'config.json: model_type is missing, expected a string']
  ])('is refused with a sentence: %j', (config, message) => {
    expect(() => readArchitecture(config, 'config.json')).toThrow(message)
  })
})
