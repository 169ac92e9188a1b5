import type { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Tensor } from '../graph/session'
import { ExpertRowsHere } from './expertRowsHere'
import { ExpertRowsThere } from './expertRowsThere'
import { ExpertSessions } from './expertSessions'
import type { ExpertsSpec } from './experts'
import type { ExpertsThere } from './expertsThere'
import type { ReadExpert } from './expertWeights'
import type { Routed } from './routedTokens'

/**
 * Computes experts on a device, one after another, each on the tokens that are routed to it; nobody reads one that no token is
 * routed to. Where their inputs lie on the device, rows are gathered and added up there, otherwise here.
 */
export class ExpertRunner {
  readonly #sessions: ExpertSessions
  readonly #here: ExpertRowsHere
  readonly #there: ExpertRowsThere

  /**
   * @param memory - of the device
   * @param there - where experts are on it
   */
  constructor(
    memory: DeviceMemory,
    private readonly there: ExpertsThere
  ) {
    this.#sessions = new ExpertSessions(memory.device)
    this.#here = new ExpertRowsHere(this.#sessions, there)
    this.#there = new ExpertRowsThere(memory, this.#sessions, there)
  }

  /**
   * Σₑ wₑ · expertₑ(n) of a batch, [tokens, hidden], where its inputs are: on the device the caller's to give back, here it
   * holds until the next one.
   *
   * @throws {AppError} what reading throws; DEVICE with the library's reason when the device fails
   */
  async sum({ input, routing }: Routed, spec: ExpertsSpec, read: ReadExpert): Promise<Tensor | DeviceTensor> {
    return input instanceof DeviceTensor
      ? this.#there.sum({ input, routing }, spec, read)
      : this.#here.sum({ input, routing }, spec, read)
  }

  /**
   * What passes back through the experts of a batch: ∂L/∂ of what `sum` gives, as gradients of the experts' inputs, on the device
   * the caller's to give back, and of the routing weights, 0 for experts that a token is not routed to.
   *
   * @param gradient - ∂L/∂sum, [tokens, hidden], where the inputs are
   * @throws {AppError} what reading throws; DEVICE with the library's reason when the device fails
   */
  async backward(
    { input, routing }: Routed,
    gradient: Tensor | DeviceTensor,
    spec: ExpertsSpec,
    read: ReadExpert
  ): Promise<Routed> {
    return input instanceof DeviceTensor
      ? this.#there.backward({ input, routing }, gradient as DeviceTensor, spec, read)
      : this.#here.backward({ input, routing }, gradient as Tensor, spec, read)
  }

  async release(): Promise<void> {
    await this.#sessions.release()
    this.#here.release()
    this.there.giveBack()
  }
}
