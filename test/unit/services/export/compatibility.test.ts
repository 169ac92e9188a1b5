import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readAdapterFacts } from '../../../../src/services/export/adapterFacts'
import { compatibilityOf } from '../../../../src/services/export/compatibility'
import { writeAdapter } from '../../../helpers/bundles'
import { temporaryHome } from '../../../helpers/stores'

/** Verdict, sentence and fix for one consumer of an adapter with this config and fingerprint. */
async function reportOf(consumer: string, config = {}, fingerprint = {}) {
  const directory = writeAdapter(join(temporaryHome(), 'adapter'), config, fingerprint)
  const entry = compatibilityOf(await readAdapterFacts(directory)).find((one) => one.consumer === consumer)
  if (entry === undefined) throw new Error(`no entry for ${consumer}`)
  return `${entry.verdict}: ${entry.says} | ${entry.fix}`
}

const INT8 = { quantizer: 'int8', blockSize: undefined, doubleQuantization: undefined }

test('an adapter as Quail writes it suits every PEFT, the trainers and vLLM as they are', async () => {
  const facts = await readAdapterFacts(writeAdapter(join(temporaryHome(), 'adapter')))
  const verdicts = Object.fromEntries(compatibilityOf(facts).map(({ consumer, verdict }) => [consumer, verdict]))
  expect(verdicts).toEqual({
    'PEFT 0.10': 'ok',
    'PEFT 0.13': 'ok',
    'PEFT, current': 'ok',
    'Transformers with bitsandbytes': 'ok',
    'Dtype of the base': 'ok',
    'Axolotl, LLaMA-Factory, Unsloth': 'ok',
    vLLM: 'ok',
    'llama.cpp converter': 'caution',
    Ollama: 'caution',
    Merging: 'caution'
  })
})

test('trainers that load models of images in their own way are named where the adapter is for one', async () => {
  const directory = writeAdapter(join(temporaryHome(), 'adapter'))
  const path = join(directory, 'quail.json')
  const proof = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>
  const tower = { wrapper: 'mistral3', text: 'mistral', loader: 'AutoModelForImageTextToText' }
  writeFileSync(path, JSON.stringify({ ...proof, model: { ...proof.model, tower } }))
  const facts = await readAdapterFacts(directory)
  expect(facts.loader).toBe('AutoModelForImageTextToText')
  expect(compatibilityOf(facts)).toContainEqual({
    consumer: 'Axolotl, LLaMA-Factory, Unsloth',
    verdict: 'caution',
    says: 'load a model that sees images by settings of their own, not by those for text models',
    fix: 'See that the trainer loads it with AutoModelForImageTextToText, and that every target module gets its factors.'
  })
})

// One row for each way in which an adapter fails somewhere: its config, its fingerprint, and the whole entry.
test.each([
  ['PEFT 0.13', { exclude_modules: null }, {}, /^no: .*exclude_modules.*PEFT 0\.14 or newer/],
  ['PEFT 0.10', { rank_pattern: { 'layers\\.0': 4 } }, {}, /^caution: .*rank_pattern/],
  ['PEFT, current', { init_lora_weights: 'pissa' }, {}, /^no: .*"pissa" again.*init_lora_weights to true/],
  ['Transformers with bitsandbytes', {}, { blockSize: 128 }, /^no: .*blocks of 64 .*blocks of 128/],
  ['Transformers with bitsandbytes', {}, { doubleQuantization: false }, /bnb_4bit_use_double_quant=False/],
  ['Transformers with bitsandbytes', {}, { quantizer: 'fp4' }, /^ok: .*bnb_4bit_quant_type="fp4"/],
  ['Transformers with bitsandbytes', {}, INT8, /^ok: .*load_in_8bit=True/],
  ['Axolotl, LLaMA-Factory, Unsloth', {}, INT8, /^caution: .*4 bits unless told otherwise/],
  ['Dtype of the base', {}, { dtype: 'F32' }, /^caution: .*holds float32.*dtype=torch\.float32/],
  ['Dtype of the base', {}, { dtype: 'F16' }, /^caution: .*dtype=torch\.float16/],
  ['Axolotl, LLaMA-Factory, Unsloth', {}, { doubleQuantization: false }, /^caution: .*made without it/],
  ['vLLM', { r: 17 }, {}, /^caution: .*has 17 .*--max-lora-rank 32 /],
  ['vLLM', { r: 257 }, {}, /^caution: .*--max-lora-rank 320 /],
  ['vLLM', { r: 513 }, {}, /^no: .*up to 512/],
  ['vLLM', { rank_pattern: { q_proj: 64 } }, {}, /^caution: .*--max-lora-rank 64 /],
  ['vLLM', { modules_to_save: ['lm_head'] }, {}, /^no: .*modules_to_save \(here lm_head\)/],
  // alpha 16, rank 16: 1 is what the converter takes, 4 is meant; alpha 64 without rank stabilisation is 4 too.
  ['llama.cpp converter', { r: 16, use_rslora: true }, {}, /^no: .*scales by 1 instead of 4 .*lora_alpha 64:/],
  ['llama.cpp converter', { alpha_pattern: { q_proj: 8 } }, {}, /^no: .*alpha_pattern/],
  ['llama.cpp converter', { target_modules: ['q_proj', 'lm_head'] }, {}, /^no: .*stops at lm_head/]
])('%s is told of %o %o', async (consumer, config, fingerprint, expected) => {
  expect(await reportOf(consumer, config, fingerprint)).toMatch(expected)
})
