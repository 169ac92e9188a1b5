import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportBase } from '../../../../src/engine/ask/exportBase'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import type { TensorData } from '../../../../src/engine/formats/safetensorsWriter'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { ModelWeights } from '../../../../src/engine/models/modelWeights'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { checkpointFindings } from '../../../../src/engine/prepare/checkpointFindings'
import { configOf, familyDirectory, tensorsOf, writeCheckpoint } from '../../../helpers/checkpoints'
import { readGoldenTensors } from '../../../helpers/goldenTensors'
import { removedAfterTests } from '../../../helpers/removedAfter'
import { computeModel } from '../../../helpers/wholeModel'

const STORED = 'language_model.model.'
const model = familyDirectory('gemma3')
const config = configOf(model)
const text = config.text_config as Record<string, unknown>
const rows = { ids: Int32Array.of(1, 5, 9, 33, 2, 60), mask: new Float32Array(6).fill(1), context: 6 }

const made = removedAfterTests()
function written(tensors: readonly TensorData[], changed: Record<string, unknown> = {}): string {
  return made(writeCheckpoint({ ...config, ...changed }, tensors))
}

/** The embedding with the other sign, as a head. */
const head = (name: string): TensorData => {
  const embedding = tensorsOf(model).find((tensor) => tensor.name === `${STORED}embed_tokens.weight`) as TensorData
  return { ...embedding, name, data: Buffer.from(embedding.data).map((byte, i) => (i % 4 === 3 ? byte ^ 0x80 : byte)) }
}

/** A tensor that no model has. */
const vector = (name: string): TensorData => ({ name, dtype: 'F32', shape: [2], data: new Uint8Array(8) })

/** The weight file of its quantized base. */
async function baseOf(directory: string): Promise<string> {
  const out = join(made(mkdtempSync(join(tmpdir(), 'quail-tower-'))), 'base')
  const quantizer = { format: 'nf4', blockSize: 64, doubleQuantization: true } as const
  const options = { quantizer, dtype: 'bfloat16', computeDtype: 'float32', maxShardBytes: 5e9 } as const
  await exportBase({ model: directory, out, ...options }, new AbortController().signal)
  return join(out, 'model.safetensors')
}

async function findingsOf(directory: string): Promise<string[]> {
  const checkpoint = await Checkpoint.open(directory)
  try {
    const architecture = readArchitecture(checkpoint.config, 'config.json')
    const found = await checkpointFindings(new ModelWeights(checkpoint, architecture), new ModelParts(architecture))
    return found.map(({ code }) => code)
  } finally {
    await checkpoint.close()
  }
}

describe('a text tower', () => {
  // The names that each release of transformers reads: test/conformance/test_towers.py, and its conversion_mapping.py.
  it.each(['model.language_model.', 'language_model.'])('is found where its tensors begin with %s', async (prefix) => {
    const renamed = tensorsOf(model).map((tensor) => ({ ...tensor, name: tensor.name.replace(STORED, prefix) }))
    const [own, other] = [await computeModel(model, rows), await computeModel(written(renamed), rows)]
    expect(other.logits.data).toEqual(own.logits.data)
    expect(other.linears).toEqual(own.linears)
    expect(own.linears[0]).toBe('model.language_model.layers.0.self_attn.q_proj')
  })

  it.each(['lm_head.weight', 'language_model.lm_head.weight'])('has its own head as %s', async (name) => {
    const untied = { tie_word_embeddings: false, text_config: { ...text, tie_word_embeddings: false } }
    const directory = written([...tensorsOf(model), head(name)], untied)
    const { logits } = await computeModel(directory, rows)
    const tied = (await computeModel(model, rows)).logits
    for (const [i, value] of logits.data.entries()) expect(value).toBeCloseTo(-(tied.data[i] as number), 4)
    expect(await findingsOf(directory)).toEqual([])
  })

  it('is refused where a tensor is there under two names', async () => {
    const name = `${STORED}norm.weight`
    const norm = tensorsOf(model).find((tensor) => tensor.name === name) as TensorData
    const { problems } = await inspectPath(
      written([...tensorsOf(model), { ...norm, name: 'model.language_model.norm.weight' }])
    )
    expect(problems.join()).toContain(
      `holds the tensor model.language_model.norm.weight twice, as model.language_model.norm.weight and as ${name}; expected one of them`
    )
  })

  it('is refused where another text model is inside', () => {
    const other = { ...config, text_config: { ...text, model_type: 'llama' } }
    expect(() => readArchitecture(other, 'config.json')).toThrow(
      'config.json: text_config: model_type is "llama", expected gemma3_text for the text model of gemma3'
    )
  })

  it('names what text_config is wrong about', () => {
    const wrong = { ...config, text_config: { ...text, head_dim: 0 } }
    expect(() => readArchitecture(wrong, 'config.json')).toThrow('config.json: text_config: head_dim is 0, expected')
  })

  it('is said to be one, and how much of the checkpoint is left alone', async () => {
    const { model: found, tensors } = await inspectPath(model)
    expect(found).toMatchObject({
      family: 'gemma3',
      tower: { wrapper: 'gemma3', text: 'gemma3_text', loader: 'AutoModelForCausalLM' }
    })
    const others = tensors.filter(({ name }) => /^(vision_tower|multi_modal_projector)\./.test(name))
    expect(others.length).toBeGreaterThan(20)
    expect(new Set(others.map(({ role }) => role))).toEqual(new Set(['unused']))
    expect(found?.linears).toHaveLength(14)
  })

  it('gives a quantized base with the other parts, whose linears are quantized too, under the names that are written', async () => {
    const own = tensorsOf(model)
    const older = own.map((one) => ({
      ...one,
      name: one.name.replace(/^vision_tower\./, 'vision_tower.vision_model.')
    }))
    const unread = vector(`${STORED}layers.0.self_attn.rotary_emb.inv_freq`)
    const [path, same] = [await baseOf(written(own)), await baseOf(written([...older, unread]))]
    expect(readFileSync(same).equals(readFileSync(path))).toBe(true)
    const base = [...readGoldenTensors(path).keys()]
    for (const { name } of own) expect(base, name).toContain(name)
    const tower = 'vision_tower.encoder.layers.0.mlp.fc1.weight'
    expect(base).toContain(`${tower}.absmax`)
    expect(base).toContain(`${STORED}layers.0.mlp.up_proj.weight.absmax`)
    const tables = ['vision_tower.embeddings.position_embedding', 'vision_tower.head.attention.out_proj']
    for (const name of tables) expect(base).not.toContain(`${name}.weight.absmax`)
  })

  it('gives none where a part or a matrix of it is not known, or nothing is there but the text model', async () => {
    const own = tensorsOf(model)
    const matrix = head('vision_tower.new_gate.weight')
    await expect(baseOf(written([...own, matrix]))).rejects.toThrow(
      'of the matrix vision_tower.new_gate.weight it is not known whether a trainer quantizes it'
    )
    await expect(baseOf(written([...own, vector('audio_tower.norm.weight')]))).rejects.toThrow(
      'tensor audio_tower.norm.weight is of none of the parts that are known: vision_tower., multi_modal_projector.'
    )
    const alone = own.filter(({ name }) => name.startsWith('language_model.'))
    await expect(baseOf(written(alone))).rejects.toThrow('holds the text model alone')
  })

  it('is tied by config.json, with a word where transformers 4 goes by text_config', async () => {
    const [tied, untied] = [true, false].map((tie_word_embeddings) => ({ ...text, tie_word_embeddings }))
    const own = [...tensorsOf(model), head('lm_head.weight')]
    expect(await findingsOf(model)).toEqual([])
    expect(await findingsOf(written(own, { text_config: tied }))).toEqual(['OTHER_HEAD'])
    expect(await findingsOf(written(own, { text_config: untied }))).toEqual([])
    expect(await findingsOf(written(tensorsOf(model), { text_config: untied }))).toEqual(['NOT_TIED_IN_4'])
    expect(await findingsOf(written(own, { tie_word_embeddings: false, text_config: tied }))).toEqual(['TIED_IN_4'])
    expect(await findingsOf(written(own, { tie_word_embeddings: null, text_config: untied }))).toEqual([])
  })
})

it('of LLaMA 4 lies elsewhere with its head, which text_config alone ties', async () => {
  const model = familyDirectory('llama4')
  const config = configOf(model)
  const { model: found, tensors } = await inspectPath(model)
  expect(found).toMatchObject({
    tower: { wrapper: 'llama4', text: 'llama4_text', loader: 'AutoModelForImageTextToText' }
  })
  expect(found?.linears[0]?.name).toBe('language_model.model.layers.0.self_attn.q_proj')
  const unused = tensors.filter(({ role }) => role === 'unused').map(({ name }) => name)
  const others = tensors.map(({ name }) => name).filter((name) => /^(vision_model|multi_modal_projector)\./.test(name))
  expect(unused.sort()).toEqual(others.sort())
  const text = config.text_config as Record<string, unknown>
  const tied = [true, false].flatMap((outer) =>
    [true, false].map((inner) => {
      const text_config = { ...text, tie_word_embeddings: inner }
      return readArchitecture({ ...config, tie_word_embeddings: outer, text_config }, 'config.json').tiedHead
    })
  )
  expect(tied).toEqual([true, false, true, false])
  const headless = tensorsOf(model).filter(({ name }) => name !== 'language_model.lm_head.weight')
  const own = made(writeCheckpoint(config, headless))
  expect((await inspectPath(own)).problems.join()).toContain('tensor language_model.lm_head.weight is missing')
})

it('of Gemma 3n names every token that has another embedding in the other parts', () => {
  const { placeholders } = readArchitecture({ model_type: 'gemma3n' }, 'config.json')
  const names = [262_143, 262_144, 262_145, 262_271, 262_272, 262_273, 262_399, 262_400].map((id) =>
    placeholders?.get(id)
  )
  const [vision, audio] = ['vision_config.vocab_offset', 'audio_config.vocab_offset']
  expect(names).toEqual([undefined, vision, 'image_token_id', vision, audio, 'audio_token_id', audio, undefined])
  const other = {
    model_type: 'gemma3n',
    vision_config: { vocab_offset: 262_300 },
    audio_config: { vocab_offset: 262_399 }
  }
  expect(readArchitecture(other, 'config.json').placeholders?.get(262_299)).toBeUndefined()
})

const INSIDE = 'model.language_model.'
const projection = (name: string, shape: readonly number[]) =>
  [`${INSIDE}layers.0.self_attn.${name}.weight`, shape] as const

const floats = (name: string, shape: readonly number[], values: Float32Array): TensorData => ({
  ...{ name, dtype: 'F32', shape: [...shape] },
  data: new Uint8Array(values.buffer)
})

/** Values that repeat nowhere near. */
const random = (name: string, shape: readonly number[], seed: number): TensorData => {
  const count = shape.reduce((product, size) => product * size, 1)
  return floats(
    name,
    shape,
    Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * i + 78.233 * seed))
  )
}

/** The same matrices [count, rows, columns], each as [columns, rows]. */
function turnedTensor({ name, shape, data }: TensorData): TensorData {
  const [count = 0, rows = 0, columns = 0] = shape
  const values = new Float32Array(new Uint8Array(data).buffer)
  const size = rows * columns
  const turned = values.map((_, i) => {
    const [matrix, at] = [Math.floor(i / size), i % size]
    return values[matrix * size + (at % rows) * columns + Math.floor(at / rows)] as number
  })
  return floats(name, [count, columns, rows], turned)
}

describe('of models whose text model is a family by itself', () => {
  const read = (config: Record<string, unknown>) => readArchitecture(config, 'config.json')

  it('lies where their modules have it, with the head beside', () => {
    const places = ['smolvlm', 'llava_next', 'lighton_ocr'].map((model_type) => {
      const { embedding, head } = read({ model_type })
      return [embedding, head]
    })
    expect(places).toEqual([
      ['model.text_model.embed_tokens.weight', 'lm_head.weight'],
      ['model.language_model.embed_tokens.weight', 'lm_head.weight'],
      ['model.language_model.embed_tokens.weight', 'lm_head.weight']
    ])
  })

  it('is called by another type in published files of EXAONE 4.5', () => {
    const tower = (model_type: string) => read({ model_type: 'exaone4_5', text_config: { model_type } }).tower
    expect(tower('exaone4_5_text')).toEqual(tower('exaone4'))
    expect(() => tower('toString')).toThrow(
      'model_type is "toString", expected exaone4 for the text model of exaone4_5'
    )
  })

  it('leaves logits as the head gives them, whatever factor its config names', async () => {
    // The published factor of Aya Vision; its class does not read it, as the conformance tests ask it.
    const golden = familyDirectory('cohere2')
    const inside = tensorsOf(golden).map((tensor) => ({ ...tensor, name: tensor.name.replace(/^model\./, STORED) }))
    const own = configOf(golden)
    const around = { model_type: 'aya_vision', tie_word_embeddings: own.tie_word_embeddings, text_config: own }
    const [alone, inTower] = [golden, made(writeCheckpoint(around, inside))].map((one) => computeModel(one, rows))
    const factor = own.logit_scale as number
    expect(Math.abs(factor - 1)).toBeGreaterThan(0.1)
    const expected = (await (alone as typeof inTower))?.logits.data as Float32Array
    const found = (await inTower)?.logits.data as Float32Array
    for (const [i, value] of found.entries()) expect(value * factor).toBeCloseTo(expected[i] as number, 4)
  })

  it('has experts whose matrices files may hold turned', async () => {
    const text_config = {
      ...{ model_type: 'qwen3_vl_moe_text', vocab_size: 64, hidden_size: 8, num_hidden_layers: 1, head_dim: 4 },
      ...{ num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 8 },
      ...{ num_experts: 3, num_experts_per_tok: 2, moe_intermediate_size: 6 }
    }
    const experts = `${INSIDE}layers.0.mlp.experts.`
    const shapes: readonly (readonly [string, readonly number[]])[] = [
      [`${experts}gate_up_proj`, [3, 12, 8]],
      [`${experts}down_proj`, [3, 8, 6]],
      [`${INSIDE}layers.0.mlp.gate.weight`, [3, 8]],
      ...['q_proj', 'k_proj', 'v_proj'].map((name, i) => projection(name, [i === 0 ? 8 : 4, 8])),
      projection('o_proj', [8, 8]),
      projection('q_norm', [4]),
      projection('k_norm', [4]),
      ...['layers.0.input_layernorm', 'layers.0.post_attention_layernorm', 'norm'].map(
        (name) => [`${INSIDE}${name}.weight`, [8]] as const
      ),
      [`${INSIDE}embed_tokens.weight`, [64, 8]],
      ['lm_head.weight', [64, 8]]
    ]
    const config = { model_type: 'qwen3_vl_moe', text_config }
    const own = shapes.map(([name, shape], seed) => random(name, shape, seed))
    const turned = own.map((one) => (one.name.startsWith(experts) ? turnedTensor(one) : one))
    const [plain, published] = await Promise.all(
      [own, turned].map((tensors) => computeModel(made(writeCheckpoint(config, tensors)), rows))
    )
    expect(published?.logits.data).toEqual(plain?.logits.data)
    expect(new Set(plain?.logits.data).size).toBeGreaterThan(100)
    const square = { ...config, text_config: { ...text_config, moe_intermediate_size: 4 } }
    expect(() => read(square)).toThrow('files do not say which way round the matrices of experts are')
  })

  it('is none where the tokens of a prompt see each other', () => {
    expect(() => read({ model_type: 'paligemma', text_config: { model_type: 'gemma' } })).toThrow(
      'model_type is "paligemma": the tokens of a prompt see each other in both directions there'
    )
  })
})

describe('the linears of an MLP beside experts', () => {
  // Whose type PEFT goes by: test/conformance/test_towers.py.
  const unreached = (config: Record<string, unknown>) => readArchitecture(config, 'config.json').unreached

  it('are reached inside of a model whose own type PEFT does not convert', () => {
    expect(unreached({ model_type: 'qwen3_moe' })?.has('up_proj')).toBe(true)
    expect(unreached({ model_type: 'internvl', text_config: { model_type: 'qwen3_moe' } })).toBeUndefined()
  })

  it('are not reached inside of one whose type it converts', () => {
    expect(unreached({ model_type: 'glm4v_moe', text_config: { head_dim: 128 } })?.has('up_proj')).toBe(true)
  })
})
