import { join } from 'node:path'
import type { ModelSurvey } from '../../shared/inspection'
import { readChatTemplates } from '../calibration/chatTemplate'
import { findTokenizer } from '../calibration/tokenizerFiles'
import { Checkpoint } from '../formats/checkpoint'
import { CONFIG_FILE, isRecord, missingShards } from '../formats/checkpointFiles'
import { listDirectory, readJsonFile } from '../formats/files'
import { MAX_CONFIG_BYTES } from '../formats/limits'
import { countParameters } from '../formats/tensorInfo'
import { assertTensors } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { collectProblem } from './collectProblem'

const UNREAD = { family: null, parameters: null, bytes: null, dtypes: [], chatTemplate: false } as const

/**
 * Whether a directory is a checkpoint that Quail can prepare, as far as config and headers tell; nothing larger is read.
 * Whatever is wrong with it is in `problems`, the first thing that stops each of its parts.
 */
export async function surveyModel(directory: string): Promise<ModelSurvey> {
  const problems: string[] = []
  const checkpoint = await collectProblem(problems, () => Checkpoint.open(directory))
  if (checkpoint === undefined) {
    const names = await listDirectory(directory, 'model directory').catch(() => [])
    const missing = (await missingShards(directory, names)).length
    return { ...UNREAD, modelType: await modelTypeOf(directory), missingShards: missing, problems }
  }
  try {
    const { parameters, dtypes } = countParameters([...checkpoint.tensors.values()])
    const family = await collectProblem(problems, async () => familyOf(checkpoint))
    await collectProblem(problems, () => findTokenizer(directory))
    return {
      modelType: typeName(checkpoint.config),
      family: family ?? null,
      parameters,
      bytes: checkpoint.bytes,
      dtypes: Object.keys(dtypes).sort((a, b) => (dtypes[b] as number) - (dtypes[a] as number)),
      chatTemplate: (await readChatTemplates(directory).catch(() => [])).length > 0,
      missingShards: 0,
      problems
    }
  } finally {
    await checkpoint.close()
  }
}

function familyOf(checkpoint: Checkpoint): string {
  const architecture = readArchitecture(checkpoint.config, join(checkpoint.directory, CONFIG_FILE))
  const parts = new ModelParts(architecture)
  assertTensors(new ModelWeights(checkpoint, architecture), parts)
  return architecture.family
}

/** `model_type` of a directory whose weights cannot be read, as far as it has one. */
const modelTypeOf = async (directory: string): Promise<string | null> =>
  typeName(await readJsonFile(join(directory, CONFIG_FILE), MAX_CONFIG_BYTES).catch(() => undefined))

const typeName = (config: unknown): string | null =>
  isRecord(config) && typeof config.model_type === 'string' ? config.model_type : null
