import type { ProviderName } from '../../shared/devices'
import { GraphSession } from '../graph/session'

/** The compiled graphs of experts on a device. */
export class ExpertSessions {
  /** By the graph's bytes, so that blocks alike share one. */
  readonly #sessions = new Map<string, GraphSession>()

  constructor(private readonly device: ProviderName) {}

  /**
   * @param left - outputs that stay on the device, the same for all graphs with these bytes
   * @throws {AppError} DEVICE with the library's reason
   */
  async of(graph: Uint8Array, left: readonly string[] = []): Promise<GraphSession> {
    const key = Buffer.from(graph).toString('base64')
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = await GraphSession.create(graph, this.device, left)
    this.#sessions.set(key, session)
    return session
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release()
    this.#sessions.clear()
  }
}
