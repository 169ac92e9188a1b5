import { TENSOR_LIMIT_BYTES } from '../graph/devices/computeLimits'
import { deviceOf } from '../graph/devices/registry'
import { largestTensor, tensorFits } from '../graph/largestTensor'
import { DeviceError } from '../graph/session'
import type { PreparedRun } from '../prepare/preparedRun'

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/**
 * Says before anything is computed what would else be the device's own words in the midst of a run: that a weight is larger
 * than the tensors that it computes with. Cards that have as much as graphs are parted for may have more.
 *
 * @throws {AppError} DEVICE naming the linear
 */
export async function assertWeightsFit({ recipe: { device }, linears }: Pick<PreparedRun, 'recipe' | 'linears'>) {
  if (deviceOf(device).keepsTensors !== true) return
  for (const { path, outFeatures, inFeatures } of linears) {
    const bytes = 4 * outFeatures * inFeatures
    if (await tensorFits(device, bytes)) continue
    const largest = await largestTensor(device)
    if (largest === TENSOR_LIMIT_BYTES) return
    const found = `${path}.weight takes ${mebibytes(bytes)} in float32`
    throw new DeviceError(device, { reason: `${found}, the largest tensor here is ${mebibytes(largest)}` })
  }
}
