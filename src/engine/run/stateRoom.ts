import { deviceOf } from '../graph/devices/registry'
import type { PreparedRun } from '../prepare/preparedRun'

/** Where no driver says how much memory a card has: small beside that of any card that a block fits on. */
const UNKNOWN_ROOM = 256 * 2 ** 20

/** Of a block's weights: in full precision, quantized, and all that its linears are solved with. */
const TIMES_A_BLOCK = 3

/** Of what the block at hand leaves; graphs take the rest for what lies between their operators. */
const SHARE = 1 / 3

/** Bytes of the device's memory that the hidden states of a run may take, beside the block at hand; 0 where it keeps none. */
export async function stateRoom({ recipe, parts, architecture }: PreparedRun): Promise<number> {
  const { keepsTensors, memory } = deviceOf(recipe.device)
  if (keepsTensors !== true) return 0
  const cards = (await memory?.()) ?? []
  const blocks = Array.from({ length: architecture.blocks }, (_, block) =>
    parts.linears(block).reduce((sum, { inFeatures, outFeatures }) => sum + 4 * inFeatures * outFeatures, 0)
  )
  return roomBeside(Math.max(0, ...blocks), cards)
}

/**
 * @param block - bytes of its weights in float32
 * @param cards - memory of each, bytes: the library does not say which of them it computes on
 */
export function roomBeside(block: number, cards: readonly number[]): number {
  if (cards.length === 0) return UNKNOWN_ROOM
  return Math.max(0, Math.floor((Math.min(...cards) - TIMES_A_BLOCK * block) * SHARE))
}
