import type { Finding } from '../../shared/findings'
import type { StoredBase } from '../base/storedBase'
import { FLOAT_DTYPES, type FloatDtype, isFloatDtype } from '../formats/dtypes'
import { expertPlace } from '../models/expertWeights'
import type { ModelParts } from '../models/modelParts'
import { type ModelTensor, modelTensors } from '../models/modelTensors'
import type { ModelWeights, TensorPart } from '../models/modelWeights'
import { rounded, rowsToCompare } from '../models/tiedHead'

/** Values of one tensor that are compared, its first and last rows among them: 16 M, which takes a tenth of a second. */
const COMPARED_VALUES = 2 ** 24

/**
 * Whether a pre-quantized base holds the embedding, norms, biases and head of the model, rounded to its dtype. Those of the
 * model are what a run computes with; publishers of bases sometimes change rows of the embedding, or train the head.
 *
 * @throws {AppError} as reading the tensors does
 */
export async function baseFindings(base: StoredBase, weights: ModelWeights, parts: ModelParts): Promise<Finding[]> {
  const others = new Set<string>() // a tied head is the embedding
  for (const tensor of modelTensors(parts, true)) {
    if (tensor.linear === undefined && !(await isSame(base.weights, weights, tensor)))
      others.add(weights.storedName(tensor.name))
  }
  for (const [own, ofBase] of firstExperts(base.weights, weights, parts)) {
    if (!(await isSamePart(base.weights, weights, own, ofBase))) others.add(own.name)
  }
  const [first] = others
  if (first === undefined) return []
  const more = others.size > 1 ? ` and ${others.size - 1} more` : ''
  const where = `the base ${base.checkpoint.directory} holds other values than the model in ${first}${more}`
  const message = `${where}: Quail computes with those of the model, a trainer with those of the base; give the checkpoint that the base was made from`
  return [{ code: 'OTHER_BASE', severity: 'warning', subject: 'model', message }]
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
  if (!base.checkpoint.has(base.storedName(name))) return false
  const { dtype } = base.find(name, shape)
  if (!isFloatDtype(dtype)) return false
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
  (dtype === 'F32' ? FLOAT_DTYPES : [dtype]).some((one) => {
    const values = rounded(Float32Array.from(own), one)
    return base.every((value, i) => value === values[i])
  })
