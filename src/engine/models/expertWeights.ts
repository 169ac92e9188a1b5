import { badFormat } from '../../shared/errors'
import type { StoredBits } from '../formats/checkpoint'
import type { CheckpointTensor } from '../formats/shards'
import { elementCount } from '../formats/tensorInfo'
import type { Tensor, Tensors } from '../graph/session'
import type { ExpertsSpec, ExpertTensor } from './experts'
import { ExpertMemory, keptExperts } from './keptExperts'
import type { ModelParts } from './modelParts'
import type { ModelTensor } from './modelTensors'
import type { ModelWeights, StackedPart, TensorPart } from './modelWeights'

/** A matrix as it is stored, 16 bits a value. */
export interface StoredMatrix {
  readonly shape: readonly number[]
  readonly bits: StoredBits
}

/** An expert's tensors, by the names of the graph's inputs. */
export type ExpertTensors = Readonly<Record<string, Tensor | StoredMatrix>>

/** How an expert is asked for. */
export interface Asked {
  /** Whether matrices that are stored in 16 bits may come as these. */
  readonly bits: boolean
  /** Whether nobody will ask for it again: then it takes no memory here. */
  readonly once: boolean
}

/** Reads one expert's tensors, which hold until the next one is read. */
export interface ReadExpert {
  (expert: number): Promise<Tensors>
  (expert: number, asked: Asked): Promise<ExpertTensors>
}

/** An expert that stays, and which of the memory's places it has. */
interface Kept {
  readonly place: number
  readonly tensors: ExpertTensors
}

/**
 * Reads the experts of a block one at a time; undefined where it has none.
 *
 * @param memory - where as many of them as it has room for stay from one batch to the next, those that are asked for first
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
  const room = keptExperts(spec, memory.bytes)
  const known = new Map<number, Kept>()
  // Of one block's hundred experts each would otherwise leave its arrays to the next garbage collection.
  const passing = new ExpertMemory(0)
  const read = async (expert: number, bits: boolean, arrays: ExpertMemory, place: number): Promise<ExpertTensors> => {
    const tensors: Record<string, Tensor | StoredMatrix> = {}
    for (const tensor of spec.tensors) {
      const part = expertPlace(weights, path, tensor, expert)
      tensors[tensor.input] = await readTensor(weights, part, tensor, bits, {
        arrays,
        name: `${place} ${tensor.input}`
      })
    }
    return tensors
  }
  const find = async (expert: number, { bits, once }: Asked): Promise<ExpertTensors> => {
    if (room > 0 && memory.takenOver(known)) known.clear()
    const found = known.get(expert)
    if (found !== undefined && (bits || isHere(found.tensors))) return found.tensors
    const place = found?.place ?? known.size
    if (once || place >= room) return read(expert, bits, passing, 0)
    const tensors = await read(expert, bits, memory, place)
    known.set(expert, { place, tensors })
    return tensors
  }
  return ((expert: number, asked: Asked = { bits: false, once: false }) => find(expert, asked)) as ReadExpert
}

/** Whether all of an expert's tensors are values. */
const isHere = (tensors: ExpertTensors): tensors is Tensors =>
  Object.values(tensors).every((tensor) => 'data' in tensor)

/** Reads a tensor into the array of that name, which is made where there is none that it can have. */
async function readTensor(
  weights: ModelWeights,
  part: TensorPart,
  { shape }: ExpertTensor,
  asBits: boolean,
  { arrays, name }: { readonly arrays: ExpertMemory; readonly name: string }
): Promise<Tensor | StoredMatrix> {
  const isMatrix = shape.length === 2
  const bits =
    asBits && isMatrix ? await weights.readPartBits(part, arrays.array(name, part.count, Uint16Array)) : undefined
  const data =
    bits === undefined ? await weights.readPart(part, arrays.array(name, part.count, Float32Array)) : bits.data
  arrays.put(name, data)
  return bits === undefined ? { data: data as Float32Array, shape } : { bits, shape }
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
