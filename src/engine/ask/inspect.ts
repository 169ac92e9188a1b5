import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { badInput } from '../../shared/errors'
import type { InspectedModel, InspectedTensor, Inspection, TensorRole, TokenizerFacts } from '../../shared/inspection'
import { readChatTemplates } from '../calibration/chatTemplate'
import { ModelTokenizer } from '../calibration/tokenizer'
import { Checkpoint } from '../formats/checkpoint'
import { CONFIG_FILE, isQuantized, quantizedAlready } from '../formats/checkpointFiles'
import { fileError, isMissing } from '../formats/files'
import { missingFile } from '../formats/missingFile'
import { readQuantizationConfig } from '../formats/quantizationConfig'
import { countParameters, type TensorInfo } from '../formats/tensorInfo'
import { TORCH_EXTENSION } from '../formats/torchFile'
import { WeightFile } from '../formats/weightFile'
import { assertTensors, listLinears } from '../models/modelLinears'
import { ModelParts } from '../models/modelParts'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { adapterInside, checkpointFindings, dtypeFindings } from '../prepare/checkpointFindings'
import { apart } from '../prepare/tokenizedApart'
import { scanIfSmall } from '../prepare/weightScan'
import { quantizedWeights, readQuantState, storedParameters } from '../quantizers/storedFourBit'
import { collectProblem } from './collectProblem'
import { licenceOf } from './licence'
import { summarizeRoles, tensorRoles } from './tensorRoles'

const INSPECTED = "a model's directory, a .safetensors or a torch .bin file"

/**
 * What a checkpoint directory or one weight file holds, from headers, config and tokenizer alone, and what stands in
 * the way of preparing it.
 *
 * @throws {AppError} BAD_INPUT or BAD_FORMAT when not even the headers can be read
 */
export async function inspectPath(path: string, signal?: AbortSignal): Promise<Inspection> {
  const absolute = resolve(path)
  const found = await stat(absolute).catch(async (error: unknown) => {
    throw isMissing(error) ? await missingFile(path, { needed: `; ${INSPECTED} is needed` }) : fileError(error, path)
  })
  return found.isDirectory() ? inspectCheckpoint(absolute, signal) : inspectFile(absolute)
}

async function inspectFile(path: string): Promise<Inspection> {
  if (!['.safetensors', TORCH_EXTENSION].some((extension) => path.endsWith(extension))) {
    throw badInput(`${path} is a file of another kind; ${INSPECTED} is needed`)
  }
  const file = await WeightFile.open(path)
  await file.close()
  const { tensors, fileBytes } = file.header
  const name = basename(path)
  const all = [...tensors.values()]
  return {
    path,
    files: [{ name, bytes: fileBytes, tensors: tensors.size }],
    bytes: fileBytes,
    ...countParameters(all),
    tensors: all.map((tensor) => listed(tensor, name)),
    chatTemplates: [],
    problems: [],
    warnings: []
  }
}

async function inspectCheckpoint(directory: string, signal?: AbortSignal): Promise<Inspection> {
  const checkpoint = await Checkpoint.openAny(directory)
  try {
    const problems: string[] = []
    if (isQuantized(checkpoint.config)) return await inspectQuantized(checkpoint)
    const tokenizer = await collectProblem(problems, () => factsOf(directory, signal))
    const described = await collectProblem(problems, async () => describeModel(checkpoint, tokenizer, problems))
    // A template that cannot be read is in the way of chats only; the checkpoint can be prepared without it.
    const chatTemplates = await readChatTemplates(directory).catch(() => [])
    const licence = await licenceOf(directory, checkpoint.config)
    const { files, bytes, config } = checkpoint
    const tensors = [...checkpoint.tensors.values()]
    const roleOf = (name: string): TensorRole | undefined => described && (described.roles.get(name) ?? 'unused')
    return {
      path: directory,
      files,
      bytes,
      ...countParameters(tensors),
      tensors: tensors.map((tensor) => listed(tensor, tensor.file, roleOf(tensor.name))),
      ...(typeof config.model_type === 'string' && { modelType: config.model_type }),
      ...(described && { model: described.model }),
      ...(tokenizer && { tokenizer }),
      chatTemplates,
      ...(licence !== undefined && { licence }),
      problems,
      warnings: described?.warnings ?? (await adapterInside(directory)).map(({ message }) => message)
    }
  } finally {
    await checkpoint.close()
  }
}

const factsOf = (model: string, signal?: AbortSignal): Promise<TokenizerFacts> =>
  apart('facts', { model }, async () => (await ModelTokenizer.open(model)).facts, { signal })

/** A checkpoint of quantized weights: a base to put adapters on, but not one to compute them from. */
async function inspectQuantized(checkpoint: Checkpoint): Promise<Inspection> {
  const { directory, files, bytes, config } = checkpoint
  const problems: string[] = [quantizedAlready(directory, config).message]
  const { packedBytes, ...counts } = storedParameters(checkpoint)
  const quantization = await collectProblem(problems, async () => {
    readQuantizationConfig(config, join(directory, CONFIG_FILE))
    const weights = quantizedWeights(checkpoint)
    const state = weights[0] === undefined ? undefined : await readQuantState(checkpoint, weights[0])
    return state && { ...state.spec, linears: weights.length, packedBytes }
  })
  const licence = await licenceOf(directory, config)
  const tensors = [...checkpoint.tensors.values()]
  return {
    path: directory,
    files,
    bytes,
    ...counts,
    tensors: tensors.map((tensor) => listed(tensor, tensor.file)),
    ...(typeof config.model_type === 'string' && { modelType: config.model_type }),
    ...(quantization && { quantization }),
    chatTemplates: await readChatTemplates(directory).catch(() => []),
    ...(licence !== undefined && { licence }),
    problems,
    warnings: (await adapterInside(directory)).map(({ message }) => message)
  }
}

interface DescribedModel {
  readonly model: InspectedModel
  readonly roles: ReadonlyMap<string, TensorRole>
  readonly warnings: readonly string[]
}

async function describeModel(
  checkpoint: Checkpoint,
  tokenizer: TokenizerFacts | undefined,
  problems: string[]
): Promise<DescribedModel> {
  const architecture = readArchitecture(checkpoint.config, join(checkpoint.directory, CONFIG_FILE))
  const parts = new ModelParts(architecture)
  const weights = new ModelWeights(checkpoint, architecture)
  assertTensors(weights, parts)
  const scanned = await collectProblem(problems, async () => {
    await scanIfSmall({ weights, parts })
    return checkpointFindings(weights, parts)
  })
  const findings = [...(scanned ?? []), ...dtypeFindings(weights, parts)]
  const tiedHead = architecture.tiedHead && !findings.some(({ code }) => code === 'OTHER_HEAD')
  const roles = tensorRoles(weights, parts, !tiedHead)
  const linears = listLinears(parts).map(({ path, outFeatures, inFeatures }) => ({
    name: path,
    shape: [outFeatures, inFeatures] as const
  }))
  const { family, tower, blocks, hiddenSize, vocabularySize, contextLimit } = architecture
  const model = {
    family,
    ...(tower && { tower }),
    blocks,
    hiddenSize,
    vocabularySize,
    contextLimit,
    tiedHead,
    linears,
    tokenizer:
      tokenizer === undefined ? 'none that can be used' : `${tokenizer.kind}, ${tokenizer.vocabularySize} tokens`,
    roles: summarizeRoles(checkpoint, roles)
  }
  return { model, roles, warnings: findings.map(({ message }) => message) }
}

const listed = ({ name, dtype, shape, begin, end }: TensorInfo, file: string, role?: TensorRole): InspectedTensor => ({
  name,
  dtype,
  shape,
  file,
  bytes: end - begin,
  ...(role && { role })
})
