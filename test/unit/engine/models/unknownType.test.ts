import { describe, expect, it } from 'vitest'
import { readArchitecture, SUPPORTED_MODEL_TYPES } from '../../../../src/engine/models/registry'

/** config.json of Mixtral 8x7B v0.1 as it was published. */
const mixtral = {
  architectures: ['MixtralForCausalLM'],
  attention_dropout: 0,
  bos_token_id: 1,
  eos_token_id: 2,
  hidden_act: 'silu',
  hidden_size: 4096,
  initializer_range: 0.02,
  intermediate_size: 14_336,
  max_position_embeddings: 32_768,
  model_type: 'mixtral',
  num_attention_heads: 32,
  num_experts_per_tok: 2,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  num_local_experts: 8,
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

/** GPT-J 6B. */
const gptj = {
  activation_function: 'gelu_new',
  architectures: ['GPTJForCausalLM'],
  attn_pdrop: 0,
  bos_token_id: 50_256,
  embd_pdrop: 0,
  eos_token_id: 50_256,
  initializer_range: 0.02,
  layer_norm_epsilon: 1e-5,
  model_type: 'gptj',
  n_embd: 4096,
  n_head: 16,
  n_inner: null,
  n_layer: 28,
  n_positions: 2048,
  resid_pdrop: 0,
  rotary_dim: 64,
  scale_attn_weights: true,
  tie_word_embeddings: false,
  vocab_size: 50_400
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

const ACCEPTED = `, accepted are ${SUPPORTED_MODEL_TYPES.join(', ')}`
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
    [
      mixtral,
      'model_type is "mixtral", nearest by its keys is mistral, which has no num_experts_per_tok, num_local_experts'
    ],
    [gptj, 'model_type is "gptj", nearest by its keys is gpt2, which has no rotary_dim'],
    [{ ...gptj, rotary_dim: null }, 'model_type is "gptj", nearest by its keys is gpt2'],
    [mamba, 'model_type is "mamba"'],
    [{ model_type: 'constructor' }, 'model_type is "constructor"'],
    [
      { model_type: 'falcon' },
      'model_type is "falcon": transformers 5 does not quantize its linears, so that there is nothing to repair'
    ]
  ])('is refused with the nearest that is known and what differs: %#', (config, message) => {
    expect(refusal(config)).toBe(`config.json: ${message}${ACCEPTED}`)
  })

  it('names a few of many differences, and none that is no name', () => {
    const further = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`own_${i}`, i + 1]))
    const message = refusal({ ...mixtral, ...further, 'a\nb': 1, ['x'.repeat(1000)]: 1 })
    expect(message).toContain(
      'which has no num_experts_per_tok, num_local_experts, own_0, own_1, own_2, own_3, own_4, own_5 and 4 more,'
    )
    expect(message).not.toContain('\n')
    expect(message).not.toContain('xxx')
  })
})
