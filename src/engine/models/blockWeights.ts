import type { StoredBits } from '../formats/checkpoint'
import type { InputRounding } from '../graph/inputRounding'
import type { DeviceTensor, Tensor, Tensors } from '../graph/session'
import type { Matrix32 } from '../numerics/matrix'
import { expertReader, type ReadExpert } from './expertWeights'
import type { ExpertMemory } from './keptExperts'
import type { ModelParts } from './modelParts'
import type { ModelWeights } from './modelWeights'

/** An adapter beside a linear: A [rank, in] and B [out, rank], which holds the scaling. */
export interface Adapter {
  readonly A: Matrix32
  readonly B: Matrix32
}

/** One block's tensors as float32, by name relative to the block. */
export interface BlockWeights {
  /** Weights of the linears, [out, in]; those on a device belong to who put them there. */
  readonly linears: ReadonlyMap<string, Float32Array | DeviceTensor>
  /** Of weights that are stored in 16 bits, these bits, where they are to be carried to a device. */
  readonly bits?: ReadonlyMap<string, StoredBits>
  /** Everything else, as graph inputs. */
  readonly parameters: Tensors
  /** Adapters beside linears. */
  readonly adapters?: ReadonlyMap<string, Adapter>
  /** Of the adapters, by name of the graphs' inputs, what lies on the device: it belongs to who put it there. */
  readonly adaptersThere?: Readonly<Record<string, DeviceTensor>>
  /** Reads the experts, which stay in full precision. */
  readonly experts?: ReadExpert | undefined
  /** What the linears of a quantized base make of their inputs. */
  readonly roundInputs?: InputRounding | undefined
}

/** A block as it was read. */
export interface ReadBlockWeights extends BlockWeights {
  readonly linears: ReadonlyMap<string, Float32Array>
  /** Emptied once they were carried. */
  readonly bits: Map<string, StoredBits>
}

/**
 * Reads a block's tensors from the checkpoint, the weights of its linears as [out, in].
 *
 * @param memory - where experts stay once they were read
 * @param withBits - whether the bits of the linears' weights are wanted beside their values
 */
export async function readBlockWeights(
  weights: ModelWeights,
  parts: ModelParts,
  index: number,
  memory?: ExpertMemory,
  withBits = false
): Promise<ReadBlockWeights> {
  const path = parts.architecture.blockPath(index)
  const linears = new Map<string, Float32Array>()
  const bits = new Map<string, StoredBits>()
  for (const linear of parts.linears(index)) {
    const place = `${path}.${linear.name}`
    const read = await weights.readLinearWithBits(place, linear, withBits)
    linears.set(linear.name, read.values)
    if (read.bits !== undefined) bits.set(linear.name, read.bits)
  }
  return { linears, bits, ...(await readUnquantized(weights, parts, index, memory)) }
}

/** Reads what a block takes beside the weights of its linears; its experts are read when they are wanted. */
export async function readUnquantized(
  weights: ModelWeights,
  parts: ModelParts,
  index: number,
  memory?: ExpertMemory
): Promise<Pick<BlockWeights, 'parameters' | 'experts'>> {
  const path = parts.architecture.blockPath(index)
  const parameters: Record<string, Tensor> = {}
  for (const { name, shape } of parts.parameters(index)) {
    parameters[name] = { data: await weights.read(`${path}.${name}`, shape), shape }
  }
  return { parameters, experts: expertReader(weights, parts, index, memory) }
}
