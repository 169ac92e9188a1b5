import { badFormat } from '../../shared/errors'
import type { CheckpointTensor } from '../formats/shards'
import { elementCount } from '../formats/tensorInfo'
import type { Tensor, Tensors } from '../graph/session'
import type { ExpertsSpec, ExpertTensor } from './experts'
import { ExpertMemory, keptExperts } from './keptExperts'
import type { ModelParts } from './modelParts'
import type { ModelTensor } from './modelTensors'
import type { ModelWeights, StackedPart, TensorPart } from './modelWeights'

/** Reads one expert's tensors, by the names of the graph's inputs; they hold until the next one is read. */
export type ReadExpert = (expert: number) => Promise<Tensors>

/**
 * Reads the experts of a block one at a time; undefined where it has none.
 *
 * @param memory - where as many of them as it has room for stay from one batch to the next
 * @throws {AppError} as `expertPlace`
 */
export function expertReader(
  weights: ModelWeights,
  parts: ModelParts,
  block: number,
  memory = new ExpertMemory(0)
): ReadExpert | undefined {
  const spec = parts.experts(block)
  if (spec === undefined) return undefined
  const path = parts.architecture.blockPath(block)
  const kept = keptExperts(spec, memory.bytes)
  const known = new Map<number, Tensors>()
  // Of one block's hundred experts each would otherwise leave its arrays to the next garbage collection.
  const buffers = new Map<string, Float32Array>()
  const read = async (expert: number, arrayOf: (input: string, length: number) => Float32Array | undefined) => {
    const tensors: Record<string, Tensor> = {}
    for (const tensor of spec.tensors) {
      const place = expertPlace(weights, path, tensor, expert)
      const data = await weights.readPart(place, arrayOf(tensor.input, place.count))
      tensors[tensor.input] = { data, shape: tensor.shape }
    }
    return tensors
  }
  return async (expert) => {
    if (expert >= kept) {
      const tensors = await read(expert, (input) => buffers.get(input))
      for (const [input, { data }] of Object.entries(tensors)) buffers.set(input, data as Float32Array)
      return tensors
    }
    if (memory.takenOver(known)) known.clear()
    const found = known.get(expert)
    if (found !== undefined) return found
    const tensors = await read(expert, (input, length) => memory.array(`${expert} ${input}`, length))
    for (const [input, { data }] of Object.entries(tensors)) memory.put(`${expert} ${input}`, data as Float32Array)
    known.set(expert, tensors)
    return tensors
  }
}

/**
 * Finds one tensor of one expert, by itself or among those of all.
 *
 * @throws {AppError} BAD_FORMAT where the checkpoint holds both forms
 */
export function expertPlace(weights: ModelWeights, path: string, tensor: ExpertTensor, expert: number): TensorPart {
  const { alone, stacked, shape } = tensor
  const own = alone && `${path}.${alone(expert)}`
  const all = `${path}.${stacked.name}`
  const count = elementCount(shape)
  if (own === undefined || (weights.has(all) && !weights.has(own))) {
    const [, ...ofExpert] = stacked.shape
    if (stacked.turnable) return weights.stackedPart(turnablePart(all, tensor, expert))
    return { name: all, shape: stacked.shape, first: expert * elementCount(ofExpert) + stacked.first, count }
  }
  if (!weights.has(all)) return { name: own, shape, first: 0, count }
  const { directory } = weights.checkpoint
  throw badFormat(`${directory} holds the experts of ${path} twice, as ${own} and in ${all}; expected one of them`)
}

/** The rows of an expert's tensor among those of all. */
function turnablePart(name: string, { stacked, shape }: ExpertTensor, index: number): StackedPart {
  const [rows = 1, columns = 1] = shape
  const all = stacked.shape as StackedPart['shape']
  return { name, shape: all, index, from: stacked.first / columns, rows, turnable: true }
}

/**
 * Every tensor of the checkpoint that holds experts of a block, each once.
 *
 * @throws {AppError} BAD_FORMAT for one that is missing, misshapen or stored twice
 */
export function storedExperts(weights: ModelWeights, parts: ModelParts, block: number): CheckpointTensor[] {
  const spec = parts.experts(block)
  if (spec === undefined) return []
  const path = parts.architecture.blockPath(block)
  const found = eachTensor(spec).map(([tensor, expert]) => {
    const { name, shape } = expertPlace(weights, path, tensor, expert)
    return weights.find(name, shape)
  })
  return [...new Set(found)]
}

/** The tensors of every expert of a model as transformers saves them: each by itself, where the family has names for that. */
export function expertTensors(weights: ModelWeights, parts: ModelParts): ModelTensor[] {
  const { architecture } = parts
  return Array.from({ length: architecture.blocks }, (_, block): ModelTensor[] => {
    const spec = parts.experts(block)
    if (spec === undefined) return []
    const path = architecture.blockPath(block)
    return spec.tensors.flatMap((tensor): ModelTensor[] => {
      const { alone, shape, stacked } = tensor
      // What gates and ups have in common is one tensor.
      const again = spec.tensors.find((one) => one.stacked.name === stacked.name) !== tensor
      const { turnable } = stacked
      const together = { name: `${path}.${stacked.name}`, shape: stacked.shape, ...(turnable && { turnable }) }
      if (alone === undefined) return again ? [] : [together]
      return Array.from({ length: spec.count }, (_, expert) => ({
        name: `${path}.${alone(expert)}`,
        shape,
        place: expertPlace(weights, path, tensor, expert)
      }))
    })
  }).flat()
}

const eachTensor = ({ count, tensors }: ExpertsSpec): (readonly [ExpertTensor, number])[] =>
  Array.from({ length: count }, (_, expert) => tensors.map((tensor) => [tensor, expert] as const)).flat()
