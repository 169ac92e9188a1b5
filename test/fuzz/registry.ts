import type { FuzzTarget } from './fuzzTarget'
import { adapter } from './targets/adapter'
import { bundle } from './targets/bundle'
import { chatTemplate } from './targets/chatTemplate'
import { config } from './targets/config'
import { gpt2Tokenizer } from './targets/gpt2Tokenizer'
import { pickle } from './targets/pickle'
import { recipe } from './targets/recipe'
import { safetensors } from './targets/safetensors'
import { csv, jsonLines, jsonList, jsonSamples, packedLines, parquet, plainText, tsv } from './targets/sampleFiles'
import { tokenizerJson } from './targets/tokenizerJson'
import { torch } from './targets/torch'
import { weightIndex } from './targets/weightIndex'

/** Every target: a new one is one file and one line here. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  safetensors,
  adapter,
  weightIndex,
  torch,
  pickle,
  bundle,
  config,
  tokenizerJson,
  gpt2Tokenizer,
  chatTemplate,
  parquet,
  jsonSamples,
  jsonLines,
  jsonList,
  packedLines,
  csv,
  tsv,
  plainText,
  recipe
]
