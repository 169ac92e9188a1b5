import { elementCount } from '../formats/tensorInfo'
import { TENSOR_LIMIT_BYTES } from '../graph/devices/computeLimits'
import { deviceOf } from '../graph/devices/registry'
import { largestTensor, tensorFits } from '../graph/largestTensor'
import { DeviceError } from '../graph/session'
import { expertPlace } from '../models/expertWeights'
import type { PreparedRun } from '../prepare/preparedRun'

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/**
 * Says before anything is computed what would else be the device's own words in the midst of a run: that a weight is larger
 * than the tensors that it computes with. Cards that have as much as graphs are parted for may have more.
 *
 * @throws {AppError} DEVICE naming the linear, or the tensor of an expert
 */
export async function assertWeightsFit(prepared: Weighed): Promise<void> {
  const { device } = prepared.recipe
  if (deviceOf(device).keepsTensors !== true) return
  for (const { name, bytes } of [...linearsOf(prepared), ...expertsOf(prepared)]) {
    if (await tensorFits(device, bytes)) continue
    const largest = await largestTensor(device)
    if (largest === TENSOR_LIMIT_BYTES) return
    const found = `${name} takes ${mebibytes(bytes)} in float32`
    throw new DeviceError(device, { reason: `${found}, the largest tensor here is ${mebibytes(largest)}` })
  }
}

type Weighed = Pick<PreparedRun, 'recipe' | 'linears' | 'parts' | 'weights'>

/** A weight, and the bytes that it is computed with. */
interface Weight {
  readonly name: string
  readonly bytes: number
}

const linearsOf = ({ linears }: Weighed): Weight[] =>
  linears.map(({ path, outFeatures, inFeatures }) => ({ name: `${path}.weight`, bytes: 4 * outFeatures * inFeatures }))

/** Of the first expert of each block, as all of a block are of one shape. */
const expertsOf = ({ parts, weights }: Weighed): Weight[] =>
  Array.from({ length: parts.architecture.blocks }, (_, block) =>
    (parts.experts(block)?.tensors ?? []).map((tensor): Weight => {
      const { name } = expertPlace(weights, parts.architecture.blockPath(block), tensor, 0)
      return { name: `an expert of ${name}`, bytes: 4 * elementCount(tensor.shape) }
    })
  ).flat()
