import { badInput } from '../../shared/errors'
import { afmoe } from './afmoe'
import { apertus } from './apertus'
import { arcee } from './arcee'
import type { Family, ModelArchitecture } from './architecture'
import { bailingHybrid } from './bailingHybrid'
import { bamba } from './bamba'
import { bloom } from './bloom'
import { cohere, cohere2 } from './cohere'
import { cohere2Moe } from './cohere2Moe'
import { ConfigReader, type Json } from './configReader'
import { cwm } from './cwm'
import { deepseekV2 } from './deepseekV2'
import { deepseekV3 } from './deepseekV3'
import { dots1 } from './dots1'
import { ernie } from './ernie'
import { ernieMoe } from './ernieMoe'
import { exaone4 } from './exaone4'
import { exaoneMoe } from './exaoneMoe'
import { falconH1 } from './falconH1'
import { flexOlmo } from './flexOlmo'
import { gemma, gemma2, gemma3, vaultGemma } from './gemma'
import { gemma3n } from './gemma3n'
import { gemma4, gemma4Unified } from './gemma4'
import { glm, glm4 } from './glm'
import { glm4Moe, solarOpen } from './glm4Moe'
import { glm4MoeLite } from './glm4MoeLite'
import { gpt2 } from './gpt2'
import { gptBigCode } from './gptBigCode'
import { codegen, gptj } from './gptj'
import { gptNeo } from './gptNeo'
import { gptNeox } from './gptNeox'
import { gptOss } from './gptOss'
import { granite } from './granite'
import { graniteMoe, graniteMoeHybrid, graniteMoeShared, graniteMoeSwa } from './graniteMoe'
import { graniteSwa } from './graniteSwa'
import { helium } from './helium'
import { hunyuan } from './hunyuan'
import { hunyuanMoe } from './hunyuanMoe'
import { hyperclovax } from './hyperclovax'
import { hyV3 } from './hyV3'
import { internlm3 } from './internlm3'
import { iquestCoder } from './iquestCoder'
import { jais2 } from './jais2'
import { jamba } from './jamba'
import { kimiLinear } from './kimiLinear'
import { kolibri1 } from './kolibri1'
import { laguna } from './laguna'
import { MAX_LAYERS } from './layerTypes'
import { lfm2 } from './lfm2'
import { lfm2Moe } from './lfm2Moe'
import { lfm3 } from './lfm3'
import { llama } from './llama'
import { llama4 } from './llama4'
import { mellum } from './mellum'
import { mimoV2Flash } from './mimoV2Flash'
import { miniCpm3 } from './miniCpm3'
import { minimaxM2 } from './minimaxM2'
import { ministral } from './ministral'
import { ministral3 } from './ministral3'
import { mistral } from './mistral'
import { mixtral } from './mixtral'
import { mpt } from './mpt'
import { nanochat } from './nanochat'
import { nemotron } from './nemotron'
import { nemotronH } from './nemotronH'
import { olmo, olmo2, olmo3 } from './olmo'
import { olmoe } from './olmoe'
import { olmoHybrid } from './olmoHybrid'
import { opt } from './opt'
import { persimmon } from './persimmon'
import { phi } from './phi'
import { phi3 } from './phi3'
import { phimoe } from './phimoe'
import { qwen2, qwen3 } from './qwen'
import { qwen2Moe } from './qwen2Moe'
import { qwen3Moe } from './qwen3Moe'
import { qwen3Next, qwen35MoeText, qwen35Text } from './qwenHybrid'
import { seedOss } from './seedOss'
import { smollm3 } from './smollm3'
import { stablelm } from './stablelm'
import { starcoder2 } from './starcoder2'
import { textTower } from './textTower'
import { unknownType } from './unknownType'
import { WRAPPERS } from './wrappers'
import { youtu } from './youtu'

/** Every family: a new one is one file and one line here. */
const FAMILIES: readonly Family[] = [
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma,
  gemma2,
  gemma3,
  vaultGemma,
  gemma3n,
  gemma4,
  gemma4Unified,
  phi,
  phi3,
  gptNeox,
  gptNeo,
  opt,
  bloom,
  gpt2,
  smollm3,
  cwm,
  internlm3,
  iquestCoder,
  granite,
  graniteSwa,
  hyperclovax,
  olmo,
  olmo2,
  olmo3,
  olmoHybrid,
  ministral,
  ministral3,
  seedOss,
  exaone4,
  hunyuan,
  ernie,
  lfm2,
  lfm3,
  arcee,
  jais2,
  nanochat,
  apertus,
  helium,
  cohere,
  cohere2,
  cohere2Moe,
  glm,
  glm4,
  starcoder2,
  stablelm,
  nemotron,
  mpt,
  persimmon,
  gptBigCode,
  gptj,
  codegen,
  qwen35Text,
  qwen35MoeText,
  qwen3Next,
  qwen2Moe,
  qwen3Moe,
  mellum,
  mixtral,
  phimoe,
  minimaxM2,
  gptOss,
  olmoe,
  flexOlmo,
  graniteMoe,
  graniteMoeShared,
  graniteMoeHybrid,
  graniteMoeSwa,
  nemotronH,
  falconH1,
  bamba,
  jamba,
  glm4Moe,
  solarOpen,
  glm4MoeLite,
  deepseekV2,
  deepseekV3,
  youtu,
  miniCpm3,
  kimiLinear,
  bailingHybrid,
  dots1,
  mimoV2Flash,
  exaoneMoe,
  kolibri1,
  afmoe,
  laguna,
  ernieMoe,
  hunyuanMoe,
  hyV3,
  lfm2Moe,
  llama4
]

const TOWERS = WRAPPERS.map(textTower)

export const SUPPORTED_MODEL_TYPES: readonly string[] = [...FAMILIES, ...TOWERS].flatMap(({ modelTypes }) => modelTypes)

/** Of the types that are around a text model, the types of those that may be inside. */
export const TEXT_TYPES: ReadonlyMap<string, readonly string[]> = new Map(
  WRAPPERS.map(({ modelType, texts }) => [modelType, texts.flatMap(({ modelTypes }) => modelTypes)])
)

/**
 * Reads a config.json into the architecture of its family.
 *
 * @param where - how messages name the file
 * @throws {AppError} BAD_INPUT for an unknown `model_type`, or a value that the family cannot use
 */
export function readArchitecture(config: Json, where: string): ModelArchitecture {
  const reader = new ConfigReader(config, where)
  const architecture = familyOf(reader).read(reader)
  if (architecture.blocks <= MAX_LAYERS) return architecture
  throw badInput(`${where}: the model has ${architecture.blocks} layers, expected at most ${MAX_LAYERS}`)
}

/** What a config.json means: the attributes that its family reads, with their defaults, under the names of transformers. */
export function readModelSettings(config: Json, where: string): Readonly<Record<string, unknown>> {
  const reader = new ConfigReader(config, where)
  return familyOf(reader).settings(reader)
}

function familyOf(config: ConfigReader): Family {
  const modelType = config.string('model_type')
  const family = [...FAMILIES, ...TOWERS].find(({ modelTypes }) => modelTypes.includes(modelType))
  if (family !== undefined) return family
  throw unknownType(config, FAMILIES, TOWERS)
}
