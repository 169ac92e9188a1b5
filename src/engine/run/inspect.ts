import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { AppError, badInput } from '../../shared/errors'
import type { Inspection } from '../../shared/plan'
import { ModelTokenizer } from '../calibration/tokenizer'
import { Checkpoint } from '../formats/checkpoint'
import { readSafetensorsHeader, type TensorInfo } from '../formats/safetensors'
import { BlockRunner } from '../models/blockRunner'
import { ModelWeights } from '../models/modelWeights'
import { readArchitecture } from '../models/registry'
import { assertTensors, listLinears } from './prepareRun'

/**
 * What a checkpoint directory or one safetensors file holds, from headers alone, and what stands in the way of preparing
 * it.
 *
 * @throws {AppError} BAD_INPUT or BAD_FORMAT when not even the headers can be read
 */
export async function inspectPath(path: string): Promise<Inspection> {
  const absolute = resolve(path)
  const found = await stat(absolute).catch(() => undefined)
  if (found === undefined) throw badInput(`${path}: no such file or directory`)
  return found.isDirectory() ? inspectCheckpoint(absolute) : inspectFile(absolute)
}

async function inspectFile(path: string): Promise<Inspection> {
  if (!path.endsWith('.safetensors')) {
    throw badInput(`${path}: a model directory or a .safetensors file can be inspected, not ${basename(path)}`)
  }
  const { tensors, fileBytes } = await readSafetensorsHeader(path)
  const file = { name: basename(path), bytes: fileBytes, tensors: tensors.size }
  return { path, files: [file], bytes: fileBytes, ...summarize([...tensors.values()]), problems: [] }
}

async function inspectCheckpoint(directory: string): Promise<Inspection> {
  const checkpoint = await Checkpoint.open(directory)
  try {
    const { files, bytes } = checkpoint
    const summary = { path: directory, files, bytes, ...summarize([...checkpoint.tensors.values()]) }
    const problems: string[] = []
    const tokenizer = await describeTokenizer(directory, problems)
    const model = await collect(problems, () => describeModel(checkpoint, tokenizer))
    return { ...summary, ...(model && { model }), problems }
  } finally {
    await checkpoint.close()
  }
}

async function describeModel(checkpoint: Checkpoint, tokenizer: string): Promise<NonNullable<Inspection['model']>> {
  const architecture = readArchitecture(checkpoint.config, `${checkpoint.directory}/config.json`)
  const runner = new BlockRunner(architecture, Math.min(2, architecture.contextLimit), 'cpu')
  assertTensors(new ModelWeights(checkpoint, architecture), architecture, runner)
  const linears = listLinears(architecture, runner).map(({ path, outFeatures, inFeatures }) => ({
    name: path,
    shape: [outFeatures, inFeatures] as const
  }))
  const { family, blocks, hiddenSize, vocabularySize, contextLimit } = architecture
  const tiedHead = architecture.head === architecture.embedding
  return { family, blocks, hiddenSize, vocabularySize, contextLimit, tiedHead, linears, tokenizer }
}

const describeTokenizer = async (directory: string, problems: string[]): Promise<string> =>
  (await collect(problems, async () => (await ModelTokenizer.open(directory)).describe())) ?? 'none that can be used'

/** The value, or a sentence more in the list of problems. */
async function collect<T>(problems: string[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    problems.push(error.message)
    return undefined
  }
}

function summarize(tensors: readonly TensorInfo[]): Pick<Inspection, 'parameters' | 'dtypes' | 'tensors'> {
  const dtypes: Record<string, number> = {}
  let parameters = 0
  for (const { dtype, shape } of tensors) {
    const count = shape.reduce((product, size) => product * size, 1)
    dtypes[dtype] = (dtypes[dtype] ?? 0) + count
    parameters += count
  }
  return { parameters, dtypes, tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })) }
}
