import type { ProviderName } from '../../shared/devices'
import { largestTensor, tensorFits } from '../graph/largestTensor'
import { TENSOR_LIMIT_BYTES } from '../graph/session'
import { largestScoreBytes } from './attention'
import { largestTileBytes } from './gramTiles'
import type { ModelParts } from './modelParts'

/**
 * The largest tensor that graphs of a model's blocks make on a device, bytes: it is tried where Gram matrices or scores of
 * attention would else take more than every device has.
 *
 * @throws {AppError} DEVICE where the device fails
 */
export async function graphLimit(parts: ModelParts, context: number, device: ProviderName): Promise<number> {
  const blocks = Array.from({ length: parts.architecture.blocks }, (_, block) => block)
  const largest = blocks.flatMap((block) => [
    ...parts.inputs(block).map(largestTileBytes),
    ...parts.linears(block).map(({ outFeatures }) => largestTileBytes(outFeatures)),
    largestScoreBytes(parts.attentionHeads(block), context)
  ])
  const asked = Math.min(TENSOR_LIMIT_BYTES, Math.max(...largest))
  return (await tensorFits(device, asked)) ? TENSOR_LIMIT_BYTES : largestTensor(device)
}
