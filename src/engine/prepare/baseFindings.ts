import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import type { Finding } from '../../shared/findings'
import type { StoredBase } from '../base/storedBase'
import type { Checkpoint } from '../formats/checkpoint'
import { CONFIG_FILE } from '../formats/checkpointFiles'
import { FLOAT_DTYPES, type FloatDtype, isFloatDtype } from '../formats/dtypes'
import { expertPlace } from '../models/expertWeights'
import type { ModelParts } from '../models/modelParts'
import { type ModelLinear, type ModelTensor, modelTensors } from '../models/modelTensors'
import type { ModelWeights, TensorPart } from '../models/modelWeights'
import { readModelSettings } from '../models/registry'
import { rowsToCompare } from '../models/tiedHead'
import { areRounded, otherLinears } from './baseCodes'

/** Values of one tensor that are compared, its first and last rows among them: 16 M, which takes a tenth of a second. */
const COMPARED_VALUES = 2 ** 24

/**
 * Keys that a base may have otherwise and compute the same: sizes of tables show in the tables, a tied head in the tensors, and
 * the length that positions reach bounds texts alone.
 */
const HARMLESS = new Set([
  'vocab_size',
  'tie_word_embeddings',
  'max_position_embeddings',
  'n_positions',
  'transformers_weights'
])

/**
 * Whether a pre-quantized base is made from the weights of the model, holds its embedding, norms, biases and head, rounded to its
 * dtype, and whether its config.json means the same. Embedding and the like are the model's where a run computes; publishers of
 * bases sometimes change rows of the embedding, train the head, or mend a config.
 *
 * @throws {AppError} as reading the tensors does
 */
export async function baseFindings(
  base: StoredBase,
  weights: ModelWeights,
  parts: ModelParts,
  linears: readonly ModelLinear[]
): Promise<Finding[]> {
  const others = new Set<string>() // a tied head is the embedding
  for (const tensor of modelTensors(parts, true)) {
    if (tensor.linear === undefined && !(await isSame(base.weights, weights, tensor)))
      others.add(weights.storedName(tensor.name))
  }
  for (const [own, ofBase] of firstExperts(base.weights, weights, parts)) {
    if (!(await isSamePart(base.weights, weights, own, ofBase))) others.add(own.name)
  }
  const where = `the base ${base.checkpoint.directory}`
  const settings = otherSettings(base.checkpoint, weights.checkpoint)
  const trained = await otherLinears(base, weights, linears)
  return [
    ...(trained.length === 0
      ? []
      : [otherWeights(`${where} is not made from the weights of the model in ${named(trained)}`)]),
    ...(others.size === 0 ? [] : [otherBase(`${where} holds other values than the model in ${named([...others])}`)]),
    ...(settings.length === 0
      ? []
      : [otherBase(`${where} has another ${CONFIG_FILE} than the model in ${named(settings)}`)])
  ]
}

const named = ([first, ...others]: readonly string[]): string =>
  others.length === 0 ? `${first}` : `${first} and ${others.length} more`

const otherBase = (what: string): Finding => ({
  code: 'OTHER_BASE',
  severity: 'warning',
  subject: 'model',
  message: `${what}: Quail computes with those of the model, a trainer with those of the base; give the checkpoint that the base was made from`
})

const otherWeights = (what: string): Finding => ({
  code: 'OTHER_WEIGHTS',
  severity: 'warning',
  subject: 'model',
  message: `${what}: an adapter would lead from other weights to those of the model, which takes more than its rank; give the checkpoint that the base was made from`
})

/** What the config.json of a base means otherwise than the model's, by the names of transformers. */
function otherSettings(base: Checkpoint, model: Checkpoint): string[] {
  const settingsOf = ({ config, directory }: Checkpoint) => readModelSettings(config, join(directory, CONFIG_FILE))
  const own = settingsOf(model)
  try {
    const found = settingsOf(base)
    const differing = Object.keys(own).filter((key) => JSON.stringify(own[key]) !== JSON.stringify(found[key]))
    // Windows and rotary positions of each layer, whatever keys they follow from.
    return differing
      .filter((key) => !HARMLESS.has(key))
      .map((key) => (key === 'layers' ? 'windows or rotary positions' : key))
  } catch (error) {
    if (error instanceof AppError) return [`what cannot be read (${error.message})`]
    throw error
  }
}

/** Where model and base hold the first expert of each block; the others are as they are, whoever made the base. */
function firstExperts(base: ModelWeights, model: ModelWeights, parts: ModelParts): [TensorPart, TensorPart][] {
  return Array.from({ length: parts.architecture.blocks }, (_, block): [TensorPart, TensorPart][] => {
    const path = parts.architecture.blockPath(block)
    return (parts.experts(block)?.tensors ?? []).map((tensor) => [
      expertPlace(model, path, tensor, 0),
      expertPlace(base, path, tensor, 0)
    ])
  }).flat()
}

async function isSamePart(base: ModelWeights, model: ModelWeights, own: TensorPart, other: TensorPart) {
  const { dtype } = base.find(other.name, other.shape)
  if (!isFloatDtype(dtype)) return false
  const count = Math.min(own.count, COMPARED_VALUES)
  const values = await model.readPart({ ...own, count })
  return equal(values, await base.readPart({ ...other, count }), dtype)
}

async function isSame(base: ModelWeights, model: ModelWeights, { name, shape }: ModelTensor): Promise<boolean> {
  if (!base.storedNames(name).every((stored) => base.checkpoint.has(stored))) return false
  const [dtype, ...others] = new Set(base.findAll(name, shape).map((tensor) => tensor.dtype))
  if (dtype === undefined || !isFloatDtype(dtype) || others.length > 0) return false
  const [rows = 1, columns = 1] = shape
  if (shape.length !== 2) return equal(await model.read(name, shape), await base.read(name, shape), dtype)
  for (const [begin, end] of rowsToCompare(rows, columns, COMPARED_VALUES)) {
    const [own, other] = [
      await model.readMatrixRows(name, shape, begin, end - begin),
      await base.readMatrixRows(name, shape, begin, end - begin)
    ]
    if (!equal(own, other, dtype)) return false
  }
  return true
}

/** Whether a base's values are those of the model, rounded to `dtype`; F32 may hold what was rounded before. */
const equal = (own: Float32Array, base: Float32Array, dtype: FloatDtype): boolean =>
  areRounded(own, base, dtype === 'F32' ? FLOAT_DTYPES : [dtype])
