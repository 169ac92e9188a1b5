import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import {
  addTokenizer,
  configOf,
  copyCheckpoint,
  familyDirectory,
  tensorsOf,
  writeCheckpoint
} from '../../../helpers/checkpoints'
import { goldenCopies, neoxModel, sampleModel } from '../../../helpers/paths'
import { removedAfterTests } from '../../../helpers/removedAfter'

const made = removedAfterTests()
const copy: typeof copyCheckpoint = (...args) => made(copyCheckpoint(...args))
describe('inspecting a pre-quantized checkpoint', () => {
  const golden = (name: string): string => join(goldenCopies, 'prequantized', name)

  it('says how it was quantized and that it takes the full-precision one to prepare', async () => {
    const inspection = await inspectPath(golden('nf4-dq'))
    const stored = { format: 'nf4', blockSize: 64, doubleQuantization: true, linears: 14, packedBytes: 19_584 }
    expect(inspection.quantization).toEqual(stored)
    // Codes count as the weights that they stand for, scales as none.
    expect(inspection.parameters).toBe((await inspectPath(familyDirectory('llama'))).parameters)
    expect(inspection.dtypes).toEqual({ BF16: inspection.parameters - 2 * 19_584, NF4: 2 * 19_584 })
    expect((await inspectPath(golden('fp4'))).quantization).toMatchObject({ format: 'fp4', doubleQuantization: false })
    expect(inspection).toMatchObject({ modelType: 'llama', problems: [expect.stringContaining('already quantized')] })
    expect(inspection.tensors).toHaveLength(91)
  })

  it('says so of other methods, too', async () => {
    const config = { ...configOf(golden('nf4')), quantization_config: { quant_method: 'gptq', bits: 4 } }
    const { problems, quantization } = await inspectPath(writeCheckpoint(config, tensorsOf(golden('nf4'))))
    expect(quantization).toBeUndefined()
    expect(problems).toEqual([
      expect.stringContaining('gptq'),
      expect.stringContaining('4-bit weights of bitsandbytes')
    ])
  })
})

describe('inspecting a checkpoint', () => {
  it('shows what the sample model is made of', async () => {
    const { problems, model, parameters, tensors, dtypes, files, bytes } = await inspectPath(sampleModel)
    expect(problems).toEqual([])
    // 4096 · 256 embeddings, 256 norms, and four blocks of 256² · 2 + 64 · 256 · 2 + 688 · 256 · 3 + 2 · 256.
    expect(parameters).toBe(3_819_776)
    expect(dtypes).toEqual({ BF16: parameters })
    expect(tensors).toHaveLength(2 + 4 * 9)
    expect(files).toEqual([{ name: 'model.safetensors', bytes, tensors: 38 }])
    expect(model).toMatchObject({
      family: 'llama',
      blocks: 4,
      hiddenSize: 256,
      vocabularySize: 4096,
      contextLimit: 512,
      tiedHead: true,
      tokenizer: 'BPE, 4096 tokens'
    })
    expect(model?.linears).toHaveLength(28)
    expect(model?.linears[6]).toEqual({ name: 'model.layers.0.mlp.down_proj', shape: [256, 688] })
  })

  it('shows the linears of another family', async () => {
    const { model, problems } = await inspectPath(neoxModel)
    expect(problems).toEqual([])
    expect(model).toMatchObject({ family: 'gpt_neox', tiedHead: false })
    expect(model?.linears.slice(0, 4).map(({ name }) => name)).toEqual(
      ['attention.query_key_value', 'attention.dense', 'mlp.dense_h_to_4h', 'mlp.dense_4h_to_h'].map(
        (name) => `gpt_neox.layers.0.${name}`
      )
    )
  })

  it('says what each tensor of the sample is, and that the rest is not quantized', async () => {
    const { model, tensors } = await inspectPath(sampleModel)
    expect(model?.roles.map(({ role, tensors: count }) => [role, count])).toEqual([
      ['quantized', 28],
      ['embedding', 1],
      ['norm', 9]
    ])
    const named = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    expect(named.get('model.norm.weight')).toMatchObject({ role: 'norm', file: 'model.safetensors', bytes: 512 })
    expect(named.get('model.layers.3.mlp.up_proj.weight')?.role).toBe('quantized')
    expect(model?.roles.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(3_819_776)
  })

  it.each([
    ['gpt2', ['quantized', 'embedding', 'norm', 'bias', 'other']],
    ['gpt_neox', ['quantized', 'embedding', 'head', 'norm', 'bias']],
    ['opt', ['quantized', 'embedding', 'norm', 'bias', 'other']],
    ['bloom', ['quantized', 'embedding', 'norm', 'bias']],
    ['cohere', ['quantized', 'embedding', 'head', 'norm', 'bias']],
    ['glm4', ['quantized', 'embedding', 'head', 'norm', 'bias']],
    ['mpt', ['quantized', 'embedding', 'head', 'norm']],
    ['phi', ['quantized', 'embedding', 'head', 'norm', 'bias']],
    ['stablelm', ['quantized', 'embedding', 'head', 'norm', 'bias']],
    ['gpt_bigcode', ['quantized', 'embedding', 'head', 'norm', 'bias', 'other']]
  ])('finds the parts of %s', async (family, roles) => {
    const { model } = await inspectPath(familyDirectory(family))
    expect(model?.roles.map(({ role }) => role)).toEqual(roles)
  })

  it('tells tensors that no one reads', async () => {
    const directory = copy(familyDirectory('llama-tied-bias'), undefined)
    const extra = { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', dtype: 'F32', shape: [2] } as const
    const whole = writeCheckpoint(configOf(directory), [...tensorsOf(directory), { ...extra, data: new Uint8Array(8) }])
    made(whole)
    const { model, tensors } = await inspectPath(whole)
    expect(tensors.find(({ name }) => name === extra.name)?.role).toBe('unused')
    expect(model?.roles.at(-1)).toEqual({ role: 'unused', tensors: 1, parameters: 2 })
  })

  it('reads tokenizer, chat template and licence', async () => {
    const directory = copy(familyDirectory('llama'))
    addTokenizer(directory)
    const config = JSON.parse(readFileSync(join(directory, 'tokenizer_config.json'), 'utf8'))
    writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify({ ...config, chat_template: 'hello' }))
    writeFileSync(join(directory, 'README.md'), '---\nlicense: mit\n---\n')
    const { tokenizer, chatTemplates, licence } = await inspectPath(directory)
    expect(tokenizer).toMatchObject({
      kind: 'BPE',
      vocabularySize: 4096,
      preTokenizer: expect.stringContaining('ByteLevel'),
      specialTokens: [
        { text: '<pad>', id: 0 },
        { text: '<s>', id: 1 },
        { text: '</s>', id: 2 }
      ],
      bos: { text: '<s>', id: 1 },
      pad: { text: '<pad>', id: 0 },
      unknown: null,
      before: [],
      after: []
    })
    expect(chatTemplates.map(({ name, text }) => [name, text])).toEqual([['default', 'hello']])
    expect(licence).toBe('mit')
  })

  it('shows what the post-processor puts around a text', async () => {
    const directory = copy(familyDirectory('llama'))
    addTokenizer(directory)
    const path = join(directory, 'tokenizer.json')
    const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
    const post_processor = {
      type: 'TemplateProcessing',
      single: [special('<s>'), { Sequence: { id: 'A', type_id: 0 } }, special('</s>')],
      pair: [],
      special_tokens: Object.fromEntries(['<s>', '</s>'].map((id, i) => [id, { id, ids: [i + 1], tokens: [id] }]))
    }
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), post_processor }))
    const { tokenizer } = await inspectPath(directory)
    expect(tokenizer?.before).toEqual([{ text: '<s>', id: 1 }])
    expect(tokenizer?.after).toEqual([{ text: '</s>', id: 2 }])
    expect(tokenizer?.postProcessor).toBe('TemplateProcessing')
  })

  it('lists shards', async () => {
    const directory = copy(familyDirectory('llama'), (tensor) => tensor, 3)
    const { files, parameters } = await inspectPath(directory)
    expect(files).toHaveLength(3)
    expect(parameters).toBe((await inspectPath(familyDirectory('llama'))).parameters)
  })

  it('lists everything that stands in the way', async () => {
    const directory = copy(familyDirectory('llama'), (tensor) =>
      tensor.name === 'model.layers.1.mlp.up_proj.weight' ? undefined : tensor
    )
    const { problems, model, tensors } = await inspectPath(directory)
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/tokenizer\.json/)
    expect(problems[1]).toMatch(/tensor model\.layers\.1\.mlp\.up_proj\.weight is missing/)
    expect(problems.join('')).not.toContain('\n')
    expect(model).toBeUndefined()
    expect(tensors.length).toBe(tensorsOf(familyDirectory('llama')).length - 1)
  })

  it('names an unknown family', async () => {
    const directory = copy(familyDirectory('llama'))
    addTokenizer(directory)
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...configOf(directory), model_type: 'otherllama' }))
    expect((await inspectPath(directory)).problems).toEqual([
      expect.stringMatching(/model_type is "otherllama", nearest by its keys is llama; quail families lists/)
    ])
  })
})

describe('inspecting a file', () => {
  it('shows its tensors', async () => {
    const path = join(familyDirectory('llama'), 'expected.safetensors')
    const { tensors, model, problems } = await inspectPath(path)
    expect(tensors.find(({ name }) => name === 'input_ids')).toMatchObject({ dtype: 'I64' })
    expect(model).toBeUndefined()
    expect(problems).toEqual([])
  })

  it.each([
    ['/does/not/exist', '/does/not/exist does not exist'],
    [join(sampleModel, 'config.json'), 'config.json is a file of another kind']
  ])('refuses %s in one sentence', async (path, message) => {
    await expect(inspectPath(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(`${message}; a model's directory, a .safetensors or a torch .bin file is needed`)
    })
  })
})
