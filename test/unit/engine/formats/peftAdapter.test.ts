import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeFloats, type FloatDtype } from '../../../../src/engine/formats/dtypes'
import { sha256File } from '../../../../src/engine/formats/files'
import {
  type AdapterLinear,
  type AdapterSettings,
  adapterConfig,
  adapterTensorName,
  adapterTensors,
  writeAdapterDirectory
} from '../../../../src/engine/formats/peftAdapter'
import { readAdapterConfig, readAdapterDirectory } from '../../../../src/engine/formats/readAdapter'
import { allValues } from '../../../helpers/adapterValues'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quail-adapter-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const settings: AdapterSettings = {
  rank: 2,
  alpha: 16,
  rslora: false,
  targetModules: ['q_proj', 'down_proj'],
  baseModel: null
}

const factor = (dtype: FloatDtype, length: number, first: number) => ({
  dtype,
  data: encodeFloats(
    Float32Array.from({ length }, (_, i) => first + i / 8),
    dtype
  )
})

function linears(dtype: FloatDtype): AdapterLinear[] {
  return ['model.layers.0.self_attn.q_proj', 'model.layers.0.mlp.down_proj'].map((name, i) => ({
    name,
    outFeatures: 4 + i,
    inFeatures: 3,
    loraA: factor(dtype, 2 * 3, 1 + i),
    loraB: factor(dtype, (4 + i) * 2, -3)
  }))
}

const write = (out: string, dtype: FloatDtype = 'F32', extra: Record<string, string> = {}) =>
  writeAdapterDirectory(out, { config: adapterConfig(settings), tensors: adapterTensors(linears(dtype), 2), extra })

describe('adapterConfig', () => {
  it('holds the keys that every PEFT from 0.10 on knows, and no others', () => {
    expect(adapterConfig({ ...settings, rslora: true, baseModel: '/models/tiny' })).toEqual({
      alpha_pattern: {},
      auto_mapping: null,
      base_model_name_or_path: '/models/tiny',
      bias: 'none',
      fan_in_fan_out: false,
      inference_mode: true,
      init_lora_weights: true,
      layers_pattern: null,
      layers_to_transform: null,
      loftq_config: {},
      lora_alpha: 16,
      lora_dropout: 0,
      modules_to_save: null,
      peft_type: 'LORA',
      r: 2,
      rank_pattern: {},
      revision: null,
      target_modules: ['q_proj', 'down_proj'],
      task_type: 'CAUSAL_LM',
      use_dora: false,
      use_rslora: true
    })
  })
})

describe('writeAdapterDirectory', () => {
  it('writes the two files of PEFT and the extra ones, and says what it wrote', async () => {
    const out = join(root, 'adapter')
    const written = await write(out, 'F32', { 'README.md': '# Card\n', 'quail.json': '{}' })
    const weights = join(out, 'adapter_model.safetensors')
    expect(readdirSync(out)).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'quail.json'])
    expect(written).toEqual({ path: out, bytes: statSync(weights).size, sha256: await sha256File(weights) })
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('# Card\n')
    expect(readdirSync(root)).toEqual(['adapter'])
  })

  it('writes the config as PEFT does: two spaces, sorted keys, no newline at the end', async () => {
    const out = join(root, 'adapter')
    await writeAdapterDirectory(out, { config: { r: 2, bias: 'none' }, tensors: [], extra: {} })
    expect(readFileSync(join(out, 'adapter_config.json'), 'utf8')).toBe('{\n  "bias": "none",\n  "r": 2\n}')
  })

  it('refuses a directory that is not empty and leaves it alone', async () => {
    const out = join(root, 'adapter')
    mkdirSync(out)
    writeFileSync(join(out, 'notes.txt'), 'mine')
    await expect(write(out)).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect(readdirSync(out)).toEqual(['notes.txt'])
    expect(readdirSync(root)).toEqual(['adapter'])
  })

  it('leaves nothing behind when a tensor cannot be written', async () => {
    const tensors = [{ name: 'w', dtype: 'F32' as const, shape: [3], data: new Uint8Array(4) }]
    const out = join(root, 'adapter')
    await expect(writeAdapterDirectory(out, { config: {}, tensors, extra: {} })).rejects.toThrow('expected 12')
    expect(readdirSync(root)).toEqual([])
  })

  it('refuses extra files that lie elsewhere or replace its own', async () => {
    for (const name of ['../up.md', 'a\\b', 'adapter_config.json']) {
      await expect(write(join(root, 'adapter'), 'F32', { [name]: '' })).rejects.toThrow(name)
    }
    expect(readdirSync(root)).toEqual([])
  })
})

describe('readAdapterDirectory', () => {
  it.each(['F32', 'BF16', 'F16'] as const)('reads back what was written in %s', async (dtype) => {
    const out = join(root, 'adapter')
    await write(out, dtype)
    const adapter = await readAdapterDirectory(out)
    expect(adapter.settings).toEqual(settings)
    expect(adapter.tensors.size).toBe(4)
    const loraB = adapter.tensors.get('base_model.model.model.layers.0.mlp.down_proj.lora_B.weight')
    expect(loraB).toMatchObject({ module: 'model.layers.0.mlp.down_proj', factor: 'B', dtype, shape: [5, 2] })
    expect(loraB && (await allValues(loraB))).toEqual(Float32Array.from({ length: 10 }, (_, i) => -3 + i / 8))
    const loraA = adapter.tensors.get(adapterTensorName('model.layers.0.self_attn.q_proj', 'A'))
    expect(loraA && (await allValues(loraA))).toEqual(Float32Array.from({ length: 6 }, (_, i) => 1 + i / 8))
  })

  it('keeps values that are not finite, for others to report', async () => {
    const out = join(root, 'adapter')
    const [linear] = linears('F32') as [AdapterLinear]
    const data = encodeFloats(new Float32Array(6).fill(Number.NaN), 'F32')
    const tensors = adapterTensors([{ ...linear, loraA: { dtype: 'F32', data } }], 2)
    await writeAdapterDirectory(out, { config: adapterConfig(settings), tensors, extra: {} })
    const { tensors: read } = await readAdapterDirectory(out)
    const stored = read.get(adapterTensorName(linear.name, 'A'))
    expect(stored && (await allValues(stored))).toEqual(new Float32Array(6).fill(Number.NaN))
  })

  it('takes ranks from the shapes where the config has a rank_pattern, and a pattern of targets as one', async () => {
    const out = join(root, 'adapter')
    const config = {
      ...adapterConfig(settings),
      r: 8,
      rank_pattern: { q_proj: 2, down_proj: 2 },
      target_modules: '.*proj'
    }
    await writeAdapterDirectory(out, { config, tensors: adapterTensors(linears('F32'), 2), extra: {} })
    expect((await readAdapterDirectory(out)).settings).toMatchObject({ rank: 8, targetModules: ['.*proj'] })
  })

  it('takes the magnitudes of DoRA, which whoever needs a plain adapter refuses', async () => {
    const out = join(root, 'adapter')
    const magnitudes = linears('F32').map(({ name, outFeatures }) => ({
      name: `base_model.model.${name}.lora_magnitude_vector`,
      shape: [outFeatures],
      ...factor('BF16', outFeatures, 1)
    }))
    const tensors = [...adapterTensors(linears('F32'), 2), ...magnitudes]
    await writeAdapterDirectory(out, { config: { ...adapterConfig(settings), use_dora: true }, tensors, extra: {} })
    const read = await readAdapterDirectory(out)
    expect([read.tensors.size, read.others]).toEqual([4, []])
    const [first] = linears('F32') as [AdapterLinear]
    const { name, outFeatures } = first
    const magnitude = read.magnitudes.get(name)
    expect(magnitude).toMatchObject({ name: magnitudes[0]?.name, shape: [outFeatures] })
    const expected = Float32Array.from({ length: outFeatures }, (_, i) => 1 + i / 8)
    expect(magnitude && (await allValues(magnitude))).toEqual(expected)
    await expect(readAdapterConfig(out)).rejects.toThrow('use_dora is true, a plain LoRA adapter was expected')
  })

  it.each([
    ['init_lora_weights', 'pissa'],
    ['init_lora_weights', 'loftq'],
    ['use_qalora', true],
    ['alora_invocation_tokens', [1, 2]],
    ['kasa_config', {}]
  ])('refuses %s of %j by name', async (key, value) => {
    const out = join(root, 'adapter')
    const config = { ...adapterConfig(settings), [key]: value }
    await writeAdapterDirectory(out, { config, tensors: adapterTensors(linears('F32'), 2), extra: {} })
    const named = `adapter_config.json: ${key} is ${JSON.stringify(value)}: `
    await expect(readAdapterDirectory(out)).rejects.toThrow(named)
  })

  it('says that the directory is missing', async () => {
    await expect(readAdapterDirectory(join(root, 'no'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `the adapter directory ${join(root, 'no')} does not exist`
    })
  })
})
