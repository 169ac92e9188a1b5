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
      'config.json: text_config: model_type is "llama", a gemma3 is read with gemma3_text'
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
