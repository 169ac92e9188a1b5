import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { fillSnippet, fillSnippets, type SnippetValues } from '../../../../src/services/export/snippets'
import { TRAINERS, type Trainer } from '../../../../src/shared/exports'
import { temporaryHome } from '../../../helpers/stores'

const resources = resolve(import.meta.dirname, '../../../../resources')
const HARD = '/models/it\'s "mine" \\ #1: {{model}} ü'

const values = (changes: Partial<SnippetValues> = {}): SnippetValues => ({
  model: HARD,
  adapter: '/adapters/quailora-r16',
  quantizer: { format: 'nf4', doubleQuantization: true },
  dtype: 'BF16',
  rank: 16,
  alpha: 32,
  rslora: true,
  targetModules: ['q_proj', 'down_proj'],
  loader: 'AutoModelForCausalLM',
  ...changes
})

const yamlOf = async (trainer: Trainer, changes: Partial<SnippetValues> = {}): Promise<Record<string, unknown>> =>
  parse((await fillSnippet(resources, trainer, values(changes))).text) as Record<string, unknown>

/*
 * Runs a snippet against stand-ins for torch, transformers, PEFT, TRL, datasets and Unsloth that only write down how they
 * are called: a test of what a trainer would be told, without installing any.
 */
const STAND_IN = `
import json, sys, types
calls = []
def plain(x):
    return x if isinstance(x, (bool, int, float, str, type(None))) else {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else str(x)
class Thing:
    def __init__(self, name): self.name = name
    def __getattr__(self, key):
        if key.startswith('__'): raise AttributeError(key)
        return Thing(self.name + '.' + key)
    def __call__(self, *args, **kwargs):
        calls.append([self.name, [plain(a) for a in args], {k: plain(v) for k, v in kwargs.items()}])
        return Thing(self.name + '()')
    def __iter__(self): return iter([Thing(self.name + '[0]'), Thing(self.name + '[1]')])
    def __str__(self): return self.name
for name in ['torch', 'transformers', 'peft', 'trl', 'datasets', 'unsloth']:
    module = types.ModuleType(name)
    module.__getattr__ = lambda key, name=name: Thing(name + '.' + key)
    sys.modules[name] = module
exec(compile(open(sys.argv[1], encoding='utf8').read(), sys.argv[1], 'exec'), {})
print(json.dumps(calls))
`

type PythonCall = [name: string, args: unknown[], kwargs: Record<string, unknown>]

async function callsOf(trainer: Trainer, changes: Partial<SnippetValues> = {}): Promise<PythonCall[]> {
  const { text, fileName } = await fillSnippet(resources, trainer, values(changes))
  const directory = temporaryHome()
  writeFileSync(join(directory, fileName), text)
  mkdirSync(join(directory, 'tools'))
  const runner = join(directory, 'tools', 'run.py')
  writeFileSync(runner, STAND_IN)
  return JSON.parse(execFileSync('python3', [runner, join(directory, fileName)], { encoding: 'utf8' })) as PythonCall[]
}

const find = (calls: readonly PythonCall[], name: string): PythonCall => {
  const found = calls.find(([called]) => called === name)
  if (found === undefined) throw new Error(`${name} is not called; called are ${calls.map(([called]) => called)}`)
  return found
}

test('a model that is loaded by another class is loaded by it', async () => {
  for (const trainer of ['peft', 'trl'] as const) {
    const calls = await callsOf(trainer, { loader: 'AutoModelForImageTextToText' })
    expect(find(calls, 'transformers.AutoModelForImageTextToText.from_pretrained')[1]).toEqual([HARD])
    expect(calls.map(([name]) => name).filter((name) => name.includes('CausalLM'))).toEqual([])
  }
})

test('there is one for each trainer, and nothing is left to fill in', async () => {
  const snippets = await fillSnippets(resources, values({ model: '/models/small' }))
  expect(snippets.map(({ trainer }) => trainer)).toEqual([...TRAINERS])
  for (const { text } of snippets) expect(text).not.toMatch(/\{\{|undefined/)
})

describe.each(['peft', 'trl', 'unsloth'] as const)('the Python for %s', (trainer) => {
  test.each([
    ['nf4', true],
    ['nf4', false],
    ['fp4', true]
  ] as const)('loads the adapter for training on the base it was made for (%s, double: %s)', async (format, double) => {
    const quantizer = { format, doubleQuantization: double }
    const calls = await callsOf(trainer, { quantizer })
    expect(find(calls, 'transformers.BitsAndBytesConfig')[2]).toEqual({
      load_in_4bit: true,
      bnb_4bit_quant_type: format,
      bnb_4bit_use_double_quant: double,
      bnb_4bit_compute_dtype: 'torch.bfloat16'
    })
    const [, args, kwargs] = find(calls, 'peft.PeftModel.from_pretrained')
    expect(args[1]).toBe('/adapters/quailora-r16')
    expect(kwargs).toEqual({ is_trainable: true })
    const quantized = calls.filter(([, , { quantization_config }]) => quantization_config !== undefined)
    expect(quantized.map(([, , k]) => k.quantization_config)).toEqual(['transformers.BitsAndBytesConfig()'])
  })

  test('loads the weights in the dtype of the checkpoint, from the path as it is', async () => {
    for (const [dtype, torch] of Object.entries({
      BF16: 'torch.bfloat16',
      F16: 'torch.float16',
      F32: 'torch.float32'
    })) {
      const name = trainer === 'unsloth' ? 'unsloth.FastLanguageModel' : 'transformers.AutoModelForCausalLM'
      const [, args, kwargs] = find(await callsOf(trainer, { dtype }), `${name}.from_pretrained`)
      expect(kwargs.dtype).toBe(torch)
      expect(args[0] ?? kwargs.model_name).toBe(HARD)
    }
  })
})

describe.each(['trl', 'unsloth'] as const)('the trainer of %s', (trainer) => {
  test('gets the loaded adapter and never a peft_config beside it', async () => {
    const calls = await callsOf(trainer)
    const [, , kwargs] = find(calls, 'trl.SFTTrainer')
    expect(kwargs.peft_config).toBeUndefined()
    expect(kwargs.model).toBe(
      trainer === 'trl' ? 'peft.PeftModel.from_pretrained()' : 'unsloth.FastLanguageModel.patch_peft_model()'
    )
    expect(calls.map(([name]) => name).filter((name) => /LoraConfig|get_peft_model/.test(name))).toEqual([])
  })
})

test('Unsloth is kept from swapping the model for another', async () => {
  const [, , kwargs] = find(await callsOf('unsloth'), 'unsloth.FastLanguageModel.from_pretrained')
  expect(kwargs).toMatchObject({ use_exact_model_name: true, load_in_4bit: true })
})

test('Axolotl trains the adapter on the base that it was made for', async () => {
  expect(await yamlOf('axolotl')).toMatchObject({
    base_model: HARD,
    lora_model_dir: '/adapters/quailora-r16',
    adapter: 'qlora',
    load_in_4bit: true,
    lora_r: 16,
    lora_alpha: 32,
    lora_dropout: 0,
    peft_use_rslora: true,
    lora_target_modules: ['q_proj', 'down_proj'],
    bnb_config_kwargs: { bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true },
    bf16: true,
    fp16: false
  })
  const plain = await yamlOf('axolotl', { quantizer: { format: 'nf4', doubleQuantization: false }, dtype: 'F32' })
  expect(plain).toMatchObject({ bnb_config_kwargs: { bnb_4bit_use_double_quant: false }, bf16: false, fp16: false })
})

test('LLaMA-Factory trains the adapter on the base that it was made for', async () => {
  expect(await yamlOf('llama-factory')).toMatchObject({
    model_name_or_path: HARD,
    adapter_name_or_path: '/adapters/quailora-r16',
    create_new_adapter: false,
    finetuning_type: 'lora',
    quantization_bit: 4,
    quantization_type: 'nf4',
    double_quantization: true,
    bf16: true,
    fp16: false
  })
  const plain = await yamlOf('llama-factory', { quantizer: { format: 'nf4', doubleQuantization: false }, dtype: 'F16' })
  expect(plain).toMatchObject({ double_quantization: false, bf16: false, fp16: true })
})

describe('where modules have to stay in full precision', () => {
  const skipModules = ['lm_head', 'prediction_coefs']
  const quantizer = { format: 'nf4', doubleQuantization: true, skipModules } as const

  test.each(['peft', 'trl', 'unsloth'] as const)('the Python for %s says so', async (trainer) => {
    const { text } = await fillSnippet(resources, trainer, values({ quantizer }))
    expect(text).toContain('llm_int8_skip_modules=["lm_head", "prediction_coefs"]')
    const other = await fillSnippet(resources, trainer, values())
    expect(other.text).not.toContain('skip_modules')
  })

  test('Axolotl is told with its other arguments, and in 8 bits that it cannot be', async () => {
    const found = await yamlOf('axolotl', { quantizer })
    expect(found.bnb_config_kwargs).toMatchObject({ bnb_4bit_quant_type: 'nf4', llm_int8_skip_modules: skipModules })
    const eight = await fillSnippet(resources, 'axolotl', values({ quantizer: { format: 'int8', skipModules } }))
    expect(eight.text).toContain('# Axolotl has no setting for modules that stay in full precision in 8 bits')
  })

  test('LLaMA-Factory, which has no setting for it, does not begin with the model as it is', async () => {
    const found = await yamlOf('llama-factory', { quantizer, model: '/models/small' })
    expect(found.quantization_bit).toBeUndefined()
    expect(found.model_name_or_path).toBe('PATH_OF_A_BASE_THAT_QUAIL_EXPORTED')
  })
})

describe('on an int8 base', () => {
  const quantizer = { format: 'int8' as const, doubleQuantization: true }

  test.each(['peft', 'trl', 'unsloth'] as const)('the Python for %s loads in 8 bits', async (trainer) => {
    const calls = await callsOf(trainer, { quantizer })
    expect(find(calls, 'transformers.BitsAndBytesConfig')[2]).toEqual({ load_in_8bit: true })
    if (trainer !== 'unsloth') return
    const [, , kwargs] = find(calls, 'unsloth.FastLanguageModel.from_pretrained')
    expect(kwargs).toMatchObject({ load_in_4bit: false, load_in_8bit: true })
  })

  test('the YAML says 8 bits and nothing of 4', async () => {
    const axolotl = await yamlOf('axolotl', { quantizer })
    expect(axolotl).toMatchObject({ load_in_8bit: true, adapter: 'lora' })
    const factory = await yamlOf('llama-factory', { quantizer })
    expect(factory).toMatchObject({ quantization_bit: 8 })
    const keys = [...Object.keys(axolotl), ...Object.keys(factory)]
    expect(keys.filter((key) => /4bit|bnb|quantization_type|double/.test(key))).toEqual([])
  })
})

test('nothing tells of NF4 when the base is FP4', async () => {
  const snippets = await fillSnippets(resources, values({ quantizer: { format: 'fp4', doubleQuantization: true } }))
  for (const { text } of snippets) expect(text).not.toMatch(/nf4/i)
  const quantized = { bnb_config_kwargs: { bnb_4bit_quant_type: 'fp4' } }
  expect(await yamlOf('axolotl', { quantizer: { format: 'fp4', doubleQuantization: true } })).toMatchObject(quantized)
  const factory = await yamlOf('llama-factory', { quantizer: { format: 'fp4', doubleQuantization: true } })
  expect(factory).toMatchObject({ quantization_type: 'fp4' })
})

test('there is none for blocks of another size than trainers quantize with, which none can be told', async () => {
  const quantizer = { format: 'nf4', blockSize: 128, doubleQuantization: true } as const
  expect(await fillSnippets(resources, values({ quantizer }))).toEqual([])
  await expect(fillSnippet(resources, 'peft', values({ quantizer }))).rejects.toThrow(
    'no trainer quantizes so by itself'
  )
  // A base that is quantized already is read as it is.
  expect(await fillSnippets(resources, values({ quantizer, stored: true }))).toHaveLength(TRAINERS.length)
})

test.each(['peft', 'trl'] as const)(
  '%s is told no quantization of a base that is quantized already',
  async (trainer) => {
    const { text } = await fillSnippet(resources, trainer, values({ stored: true }))
    expect(text).not.toMatch(/BitsAndBytesConfig|quantization/)
    const [, , loading] =
      (await callsOf(trainer, { stored: true })).find(([name]) => name.endsWith('from_pretrained')) ?? []
    expect(loading).toEqual({ dtype: 'torch.bfloat16' })
  }
)
