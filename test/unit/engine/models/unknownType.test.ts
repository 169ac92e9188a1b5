import { describe, expect, it } from 'vitest'
import { readArchitecture, SUPPORTED_MODEL_TYPES } from '../../../../src/engine/models/registry'

/** A config.json much like Mistral's, with experts under keys that no family has. */
const otherMoe = {
  architectures: ['OtherMoeForCausalLM'],
  attention_dropout: 0,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: 'silu',
  hidden_size: 4096,
  initializer_range: 0.02,
  intermediate_size: 14_336,
  max_position_embeddings: 32_768,
  model_type: 'othermoe',
  num_attention_heads: 32,
  moe_top_k: 2,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  moe_experts: 8,
  output_router_logits: false,
  rms_norm_eps: 1e-5,
  rope_theta: 1e6,
  router_aux_loss_coef: 0.02,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  transformers_version: '4.36.0.dev0',
  use_cache: true,
  vocab_size: 32_000
}

/** Qwen3-30B-A3B. */
const qwen3Moe = {
  architectures: ['Qwen3MoeForCausalLM'],
  attention_bias: false,
  attention_dropout: 0,
  bos_token_id: 151_643,
  decoder_sparse_step: 1,
  eos_token_id: 151_645,
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 2048,
  initializer_range: 0.02,
  intermediate_size: 6144,
  max_position_embeddings: 40_960,
  max_window_layers: 48,
  mlp_only_layers: [],
  model_type: 'qwen3_moe_next',
  moe_intermediate_size: 768,
  norm_topk_prob: true,
  num_attention_heads: 32,
  num_experts: 128,
  num_experts_per_tok: 8,
  num_hidden_layers: 48,
  num_key_value_heads: 4,
  output_router_logits: false,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1e6,
  router_aux_loss_coef: 0.001,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  transformers_version: '4.51.0',
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151_936
}

/** Mamba 130M, another kind of model. */
const mamba = {
  model_type: 'mamba',
  conv_kernel: 4,
  d_inner: 1536,
  d_model: 768,
  expand: 2,
  hidden_act: 'silu',
  hidden_size: 768,
  n_layer: 24,
  num_hidden_layers: 24,
  residual_in_fp32: true,
  rms_norm: true,
  state_size: 16,
  time_step_rank: 48,
  use_bias: false,
  use_conv_bias: true,
  vocab_size: 50_280
}

const ACCEPTED = `; quail families lists the ${SUPPORTED_MODEL_TYPES.length} types that are read`
const refusal = (config: Record<string, unknown>): string => {
  try {
    readArchitecture(config, 'config.json')
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

describe('a model_type that no family serves', () => {
  it.each([
    [otherMoe, 'model_type is "othermoe", nearest by its keys is mistral, which has no moe_top_k, moe_experts'],
    [qwen3Moe, 'model_type is "qwen3_moe_next", nearest by its keys is qwen3_moe, which has no max_window_layers'],
    [{ ...otherMoe, moe_top_k: null, moe_experts: 0 }, 'model_type is "othermoe", nearest by its keys is mistral'],
    [{ ...mamba, model_type: 'rwkv' }, 'model_type is "rwkv"'],
    [mamba, 'model_type is "mamba": of models with Mamba layers those with attention beside them are read'],
    [{ model_type: 'constructor' }, 'model_type is "constructor"'],
    [{ model_type: 'minimax_m3' }, 'model_type is "minimax_m3", perhaps minimax_m2 is meant'],
    [
      { model_type: 'zamba', hidden_size: 64 },
      'model_type is "zamba": its Mamba has heads, and a block of attention that several layers share, which are not computed'
    ],
    [
      { model_type: 'zamba2' },
      'model_type is "zamba2": a block of attention that several layers share, each with matrices of its own beside it, is not computed'
    ],
    [
      { model_type: 'mistral4', kv_lora_rank: 8 },
      'model_type is "mistral4": it is read inside of mistral3; AutoModelForCausalLM of transformers loads none by itself'
    ],
    [
      { model_type: 'falcon' },
      'model_type is "falcon": transformers 5 does not quantize its linears, so that there is nothing to repair'
    ],
    [
      { model_type: 'deepseek_ocr2', text_config: { model_type: 'deepseek_ocr2_text', hidden_size: 64 } },
      'model_type is "deepseek_ocr2": PEFT loads no adapter of it, not even one that it wrote itself: it renames the modules of the text model a second time'
    ],
    [
      { ...otherMoe, model_type: 'longcat_flash' },
      'model_type is "longcat_flash": its layers of two attentions and two MLPs, and its experts that hand on what they are given, are not computed'
    ],
    [
      { model_type: 'kimi_k25', text_config: { model_type: 'kimi_k2', hidden_size: 64 } },
      'model_type is "kimi_k25": its experts are published in 4 bits of another format (compressed-tensors), which no trainer quantizes again; its text model, deepseek_v3, is read by itself'
    ],
    [
      { model_type: 'audioflamingo3', text_config: { model_type: 'qwen2', hidden_size: 64 } },
      'model_type is "audioflamingo3", a model around a text model of type "qwen2", which is read only by itself'
    ],
    [
      { model_type: 'some_vl', text_config: { ...otherMoe } },
      'model_type is "some_vl", a model around a text model of type "othermoe", nearest by its keys is mistral, which has no moe_top_k, moe_experts'
    ],
    [
      { model_type: 'some_vl', text_config: { model_type: 'falcon' } },
      'model_type is "some_vl", a model around a text model of type "falcon": transformers 5 does not quantize its linears, so that there is nothing to repair'
    ]
  ])('is refused with the nearest that is known and what differs: %#', (config, message) => {
    expect(refusal(config)).toBe(`config.json: ${message}${ACCEPTED}`)
  })

  it('names a few of many differences, and none that is no name', () => {
    const further = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`own_${i}`, i + 1]))
    const message = refusal({ ...otherMoe, ...further, 'a\nb': 1, ['x'.repeat(1000)]: 1 })
    expect(message).toContain(
      'which has no moe_top_k, moe_experts, own_0, own_1, own_2, own_3, own_4, own_5 and 4 more;'
    )
    expect(message).not.toContain('\n')
    expect(message).not.toContain('xxx')
  })
})
