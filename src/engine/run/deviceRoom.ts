import { dtypeBytes } from '../formats/dtypes'
import { elementCount } from '../formats/tensorInfo'
import { deviceOf } from '../graph/devices/registry'
import { sharedAt } from '../methods/sharedMoments'
import { storedExperts } from '../models/expertWeights'
import { expertBytes } from '../models/keptExperts'
import type { PreparedLinear } from '../models/modelLinears'
import type { PreparedRun } from '../prepare/preparedRun'
import { timesSolved } from '../prepare/rankBudgets'

type Solved = Pick<PreparedLinear, 'input' | 'inFeatures' | 'outFeatures'>

/** Where no driver says how much memory a card has: small beside that of any card that a block fits on. */
const UNKNOWN_ROOM = 256 * 2 ** 20

/** Of a block's weights: in full precision, and quantized. */
const TIMES_A_BLOCK = 2
/** Of the error of a linear that is solved: itself, and what it was made of or is weighed to. */
const TIMES_AN_ERROR = 2

/** Of the expert that rows go through, in float32: itself, and the bits that it is made of. */
const TIMES_AN_EXPERT = 1.5

/** Of what the block at hand leaves; graphs take the rest for what lies between their operators. */
const SHARE = 1 / 3

/** Bytes of the device's memory beside the block at hand; none where it keeps no tensors. */
export interface DeviceRoom {
  readonly experts: number
  /** Of hidden states; what walks over all blocks have of it is shared with the codes of these (refine/quantizedBlocks.ts). */
  readonly states: number
}

/**
 * What experts and hidden states of a run may take there. Experts come first: batches of all streams take them, where states
 * spare their own way, once.
 */
export async function deviceRoom(prepared: PreparedRun): Promise<DeviceRoom> {
  const { recipe, linears, architecture, parts } = prepared
  const { keepsTensors, memory } = deviceOf(recipe.device)
  if (keepsTensors !== true) return { experts: 0, states: 0 }
  const cards = (await memory?.()) ?? []
  const blocks = Array.from({ length: architecture.blocks }, (_, block) => {
    const own = linears.filter((one) => one.block === block)
    const spec = parts.experts(block)
    return blockBytes(own, timesSolved(prepared), spec && expertBytes(spec))
  })
  return partedRoom(roomBeside(Math.max(0, ...blocks), cards), storedExpertBytes(prepared))
}

/** @param experts - bytes of those of a block, as they are stored */
export function partedRoom(room: number, experts: number): DeviceRoom {
  const own = Math.min(room, experts)
  return { experts: own, states: room - own }
}

/** Of the block with the most of them. */
const storedExpertBytes = ({ weights, parts, architecture }: PreparedRun): number =>
  Array.from({ length: architecture.blocks }, (_, block) =>
    sum(storedExperts(weights, parts, block).map(({ shape, dtype }) => dtypeBytes(dtype) * elementCount(shape)))
  ).reduce((most, bytes) => Math.max(most, bytes), 0)

/**
 * What a block takes there while its linears are solved, bytes: its weights in full precision and quantized, and another time
 * its weights, or where that is more, the error of a linear with H of the inputs that are shared then. Where it is solved several
 * times, H of all its inputs lies there in between, too. Beside either, an expert while rows go through it.
 *
 * @param expert - bytes of one in float32
 */
export function blockBytes(linears: readonly Solved[], times = 1, expert = 0): number {
  const weights = linears.map(({ inFeatures, outFeatures }) => 4 * inFeatures * outFeatures)
  const shared = sharedAt(linears, times).map((features) => sum(features.map((n) => 4 * n * n)))
  const solving = weights.map((E, place) => TIMES_AN_ERROR * E + (shared[place] as number))
  const between = times > 1 ? (shared[0] ?? 0) : 0
  const passing = TIMES_AN_EXPERT * expert + between
  return TIMES_A_BLOCK * sum(weights) + Math.max(sum(weights) + between, passing, ...solving)
}

/**
 * @param block - bytes of what the block at hand takes
 * @param cards - memory of each, bytes: the library does not say which of them it computes on
 */
export function roomBeside(block: number, cards: readonly number[]): number {
  if (cards.length === 0) return UNKNOWN_ROOM
  return Math.max(0, Math.floor((Math.min(...cards) - block) * SHARE))
}

const sum = (pieces: readonly number[]): number => pieces.reduce((total, bytes) => total + bytes, 0)
