import type { CompatibilityEntry } from '../../shared/exports'
import { NO_SKIPPING, skipArgument } from '../../shared/keptLinears'
import { provenBase, trainerWords } from '../../shared/quantizerWords'
import { loaderOf } from '../../shared/textTower'
import { torchDtype } from '../../shared/torchDtypes'
import { VLLM_DEFAULT_RANK, VLLM_LARGEST_RANK, vllmMaxRank } from '../../shared/vllmRanks'
import type { AdapterFacts } from './adapterFacts'

/*
 * Where an adapter can be used as it is. Sources: PEFT's tags v0.9 to v0.20 (config keys), vLLM's config/lora.py (ranks),
 * llama.cpp's convert_lora_to_gguf.py (which reads lora_alpha alone), Ollama's documentation of ADAPTER, transformers'
 * bitsandbytes integration (which leaves the block size at its default).
 */

/** The report, one entry for each consumer, trainers first. */
export const compatibilityOf = (facts: AdapterFacts): CompatibilityEntry[] => [
  olderPeft(facts, 'PEFT 0.10'),
  olderPeft(facts, 'PEFT 0.13'),
  currentPeft(facts),
  bitsandbytes(facts),
  loadingDtype(facts),
  trainers(facts),
  vllm(facts),
  llamaCpp(facts),
  ollama(),
  merging()
]

const ok = (consumer: string, says: string, fix: string | null = null): CompatibilityEntry => ({
  consumer,
  verdict: 'ok',
  says,
  fix
})
const caution = (consumer: string, says: string, fix: string): CompatibilityEntry => ({
  consumer,
  verdict: 'caution',
  says,
  fix
})
const no = (consumer: string, says: string, fix: string): CompatibilityEntry => ({ consumer, verdict: 'no', says, fix })

/** The keys that PEFT 0.9 to 0.20 know; 0.13 and older raise a TypeError for any other. */
const PORTABLE_KEYS = new Set([
  'alpha_pattern',
  'auto_mapping',
  'base_model_name_or_path',
  'bias',
  'fan_in_fan_out',
  'inference_mode',
  'init_lora_weights',
  'layers_pattern',
  'layers_to_transform',
  'loftq_config',
  'lora_alpha',
  'lora_dropout',
  'modules_to_save',
  'peft_type',
  'r',
  'rank_pattern',
  'revision',
  'target_modules',
  'task_type',
  'use_dora',
  'use_rslora'
])

function olderPeft({ configKeys, hasPatternExpressions }: AdapterFacts, consumer: string) {
  const unknown = configKeys.filter((key) => !PORTABLE_KEYS.has(key))
  if (unknown.length > 0) {
    return no(
      consumer,
      `refuses adapter_config.json because of ${unknown.slice(0, 3).join(', ')}${unknown.length > 3 ? ', …' : ''}`,
      'Use PEFT 0.14 or newer, or remove these keys from adapter_config.json.'
    )
  }
  if (hasPatternExpressions) {
    return caution(
      consumer,
      'matches expressions in rank_pattern and alpha_pattern only behind a dot of the path',
      'Use PEFT 0.15 or newer when the loader reports other shapes.'
    )
  }
  return ok(consumer, 'knows every key of adapter_config.json')
}

function currentPeft({ initializer }: AdapterFacts): CompatibilityEntry {
  const consumer = 'PEFT, current'
  if (initializer === true) return ok(consumer, 'loads it as it is', 'Pass is_trainable=True to train it.')
  return no(
    consumer,
    `runs the initializer ${JSON.stringify(initializer)} again when it loads, which can change the base`,
    'Set init_lora_weights to true in adapter_config.json.'
  )
}

function bitsandbytes({ fingerprint }: AdapterFacts): CompatibilityEntry {
  const consumer = 'Transformers with bitsandbytes'
  if (fingerprint === undefined) {
    return caution(
      consumer,
      'there is no quail.json that says which quantized base this adapter was made for',
      'Copy the adapter again from its run.'
    )
  }
  const words = trainerWords(provenBase(fingerprint))
  if (words === undefined) {
    return no(consumer, `cannot quantize to ${fingerprint.quantizer}`, 'Make a variant for a format of bitsandbytes.')
  }
  const { blockSize: only } = words
  if (only !== undefined && fingerprint.blockSize !== only) {
    return no(
      consumer,
      `quantizes with blocks of ${only} weights, the adapter was made for blocks of ${fingerprint.blockSize}`,
      `Make a variant with block size ${only}, or write the base with quail export-base and load that.`
    )
  }
  return ok(
    consumer,
    'quantizes to the base that the adapter was made for when it is told to',
    `Pass ${words.config.join(', ')}${words.mind === undefined ? '' : `; ${words.mind}`}.`
  )
}

function loadingDtype({ fingerprint }: AdapterFacts): CompatibilityEntry {
  const consumer = 'Dtype of the base'
  const name = torchDtype(fingerprint?.dtype)
  if (name === 'bfloat16') {
    return ok(consumer, 'the checkpoint holds bfloat16, which trainers load by default', 'Pass dtype=torch.bfloat16.')
  }
  return caution(
    consumer,
    `the checkpoint holds ${name}: loaded as bfloat16 its weights are rounded first and quantize to other values`,
    `Load it with dtype=torch.${name}, or save the checkpoint as bfloat16 and run Quail on that.`
  )
}

function trainers({ fingerprint, loader }: AdapterFacts): CompatibilityEntry {
  const consumer = 'Axolotl, LLaMA-Factory, Unsloth'
  const words = fingerprint && trainerWords(provenBase(fingerprint))
  if (fingerprint !== undefined && words === undefined) {
    return no(consumer, `cannot quantize to ${fingerprint.quantizer}`, 'Make a variant for a format of bitsandbytes.')
  }
  if (words?.skipModules !== undefined) {
    return caution(
      consumer,
      `quantize modules that have to stay in full precision (${words.skipModules.slice(1).join(', ')}), with which training fails; LLaMA-Factory ${NO_SKIPPING}`,
      `Pass ${skipArgument(words.skipModules)} as the snippets do, or load a base that quail export-base wrote.`
    )
  }
  if (words?.otherDefault !== undefined) return caution(consumer, words.otherDefault.says, words.otherDefault.fix)
  if (loader !== loaderOf(undefined)) {
    return caution(
      consumer,
      'load a model that sees images by settings of their own, not by those for text models',
      `See that the trainer loads it with ${loader}, and that every target module gets its factors.`
    )
  }
  return ok(
    consumer,
    'their default, double quantization on, is what this adapter was made for',
    'Leave lora_dropout at 0; in Unsloth keep use_exact_model_name=True.'
  )
}

function vllm({ rank, modulesToSave, fingerprint }: AdapterFacts): CompatibilityEntry {
  const consumer = 'vLLM'
  if (modulesToSave.length > 0) {
    return no(
      consumer,
      `refuses adapters with modules_to_save (here ${modulesToSave.join(', ')})`,
      'Merge the adapter into the dequantized base and serve that.'
    )
  }
  const accepted = vllmMaxRank(rank)
  if (accepted === undefined) {
    return no(
      consumer,
      `serves ranks up to ${VLLM_LARGEST_RANK}, this adapter has ${rank}`,
      'Make a variant of a lower rank.'
    )
  }
  if (rank > VLLM_DEFAULT_RANK) {
    return caution(
      consumer,
      `serves ranks up to ${VLLM_DEFAULT_RANK} unless told otherwise, this adapter has ${rank}`,
      `Start it with --enable-lora --max-lora-rank ${accepted} --quantization bitsandbytes.`
    )
  }
  const base = fingerprint === undefined ? '' : ' on the quantized base'
  return ok(consumer, `serves rank ${rank}${base}`, 'Start it with --enable-lora --quantization bitsandbytes.')
}

function llamaCpp(facts: AdapterFacts): CompatibilityEntry {
  const consumer = 'llama.cpp converter'
  const { alpha, rank, rslora, hasRankPattern, hasAlphaPattern, targetModules, modulesToSave } = facts
  if (rslora) {
    return no(
      consumer,
      `reads lora_alpha alone, so it scales by ${short(alpha / rank)} instead of ${short(alpha / Math.sqrt(rank))}`,
      `Make a variant without rank stabilisation and lora_alpha ${short(alpha * Math.sqrt(rank))}: its scaling is the same.`
    )
  }
  if (hasAlphaPattern || hasRankPattern) {
    return no(
      consumer,
      'reads lora_alpha alone: what alpha_pattern and rank_pattern say is lost',
      'Make a variant in which every linear has the same rank.'
    )
  }
  const outside = [...targetModules, ...modulesToSave].find((name) =>
    /(^|\.)(lm_head|embed_tokens|embed_out|wte)$/.test(name)
  )
  if (outside !== undefined) {
    return no(consumer, `stops at ${outside}: it converts the linears of the blocks only`, `Leave ${outside} out.`)
  }
  return caution(
    consumer,
    'converts it, but a GGUF base is quantized otherwise than the base that this adapter corrects',
    'Fine-tune first, then convert the base from the dequantized weights.'
  )
}

const ollama = (): CompatibilityEntry =>
  caution(
    'Ollama',
    'advises adapters that were made on an unquantized base; this one corrects a quantized base',
    'After fine-tuning merge into the dequantized base, convert the result to GGUF and import that.'
  )

const merging = (): CompatibilityEntry =>
  caution(
    'Merging',
    'merged into the original weights the correction counts twice',
    'Dequantize the quantized base and merge into that.'
  )

/** Up to four significant digits, without zeros at the end. */
const short = (value: number): string => String(Number(value.toPrecision(4)))
