import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { float32ToBfloat16 } from '../src/engine/formats/dtypes'
import { type TensorData, writeSafetensors } from '../src/engine/formats/safetensorsWriter'
import { elementCount } from '../src/engine/formats/tensorInfo'
import { seededRandom } from '../src/engine/numerics/random'
import { fillGaussian } from './gaussian'

export interface LlamaShape {
  readonly blocks: number
  readonly hidden: number
  readonly intermediate: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly vocabulary: number
}

const SAMPLE_MODEL = 'resources/sample/model'

/**
 * Writes a LLaMA-shaped checkpoint of random bfloat16 weights with a tied head, and the sample's tokenizer beside it.
 *
 * Weights are normal with deviation 0.02, as models are initialized; norms are 1.
 *
 * @returns its number of parameters
 */
export async function makeCheckpoint(directory: string, shape: LlamaShape): Promise<number> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'config.json'), JSON.stringify(llamaConfig(shape), null, 2))
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(join(SAMPLE_MODEL, file), join(directory, file))
  }
  const tensors = tensorShapes(shape)
  await writeSafetensors(join(directory, 'model.safetensors'), tensors.map(randomTensor))
  return tensors.reduce((sum, { size }) => sum + elementCount(size), 0)
}

/** The config.json of such a model. */
export const llamaConfig = (shape: LlamaShape): Record<string, unknown> => ({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: shape.hidden,
  intermediate_size: shape.intermediate,
  num_hidden_layers: shape.blocks,
  num_attention_heads: shape.heads,
  num_key_value_heads: shape.keyValueHeads,
  vocab_size: shape.vocabulary,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  rope_parameters: { rope_type: 'default', rope_theta: 10000 },
  tie_word_embeddings: true
})

interface NamedShape {
  readonly name: string
  readonly size: readonly number[]
}

function tensorShapes({ blocks, hidden, intermediate, heads, keyValueHeads, vocabulary }: LlamaShape): NamedShape[] {
  const keyWidth = (hidden / heads) * keyValueHeads
  const ofBlock: Record<string, number[]> = {
    'input_layernorm.weight': [hidden],
    'self_attn.q_proj.weight': [hidden, hidden],
    'self_attn.k_proj.weight': [keyWidth, hidden],
    'self_attn.v_proj.weight': [keyWidth, hidden],
    'self_attn.o_proj.weight': [hidden, hidden],
    'post_attention_layernorm.weight': [hidden],
    'mlp.gate_proj.weight': [intermediate, hidden],
    'mlp.up_proj.weight': [intermediate, hidden],
    'mlp.down_proj.weight': [hidden, intermediate]
  }
  const inBlocks = Array.from({ length: blocks }, (_, block) =>
    Object.entries(ofBlock).map(([name, size]) => ({ name: `model.layers.${block}.${name}`, size }))
  )
  return [
    { name: 'model.embed_tokens.weight', size: [vocabulary, hidden] },
    ...inBlocks.flat(),
    { name: 'model.norm.weight', size: [hidden] }
  ]
}

function randomTensor({ name, size }: NamedShape): TensorData {
  const values = new Float32Array(elementCount(size))
  if (size.length === 1) values.fill(1)
  else fillGaussian(values, 0.02, seededRandom('checkpoint', name))
  const stored = float32ToBfloat16(values)
  return { name, dtype: 'BF16', shape: size, data: new Uint8Array(stored.buffer) }
}
