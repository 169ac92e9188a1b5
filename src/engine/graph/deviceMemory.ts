import type { ProviderName } from '../../shared/devices'
import { deviceOf } from './devices/registry'
import { GraphBuilder } from './graphBuilder'
import { type DeviceTensor, GraphSession, type Tensor } from './session'

/**
 * The memory of a device: what many computations take is carried there once. Where a device has none that lasts from one
 * computation to the next, tensors stay what they are.
 */
export class DeviceMemory {
  #carry: Promise<GraphSession> | undefined

  constructor(private readonly device: ProviderName) {}

  get keepsTensors(): boolean {
    return deviceOf(this.device).keepsTensors === true
  }

  /**
   * A matrix as graphs of the device take it: its values as they are now, to be given back where they lie there.
   *
   * @throws {AppError} DEVICE with the library's reason when the device fails
   */
  async upload(matrix: Tensor): Promise<Tensor | DeviceTensor> {
    if (!this.keepsTensors || matrix.data.length === 0) return matrix
    this.#carry ??= GraphSession.create(copyModel(), this.device, 'device')
    const { copy } = await (await this.#carry).keep({ matrix })
    return copy as DeviceTensor
  }

  async release(): Promise<void> {
    await (await this.#carry)?.release()
    this.#carry = undefined
  }
}

function copyModel(): Uint8Array {
  const g = new GraphBuilder()
  g.output('copy', g.input('matrix', ['rows', 'columns']), ['rows', 'columns'])
  return g.build()
}
