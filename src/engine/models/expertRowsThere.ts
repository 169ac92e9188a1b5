import type { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, type Feeds, giveBack } from '../graph/session'
import { expertSumBackwardGraph, expertSumGraph, SUM } from './expertGraphs'
import type { ExpertSessions } from './expertSessions'
import type { ExpertsSpec } from './experts'
import type { ExpertsThere } from './expertsThere'
import type { ReadExpert } from './expertWeights'
import { type ExpertTokens, type Routed, routedTokens } from './routedTokens'

/**
 * Gathers the rows of each expert on the device, and adds up there what it makes of them: over the bus go the numbers of its
 * tokens and its weights for them. Sums are made in the order in which they are made here, so that they have the same bits.
 */
export class ExpertRowsThere {
  constructor(
    private readonly memory: DeviceMemory,
    private readonly sessions: ExpertSessions,
    private readonly there: ExpertsThere
  ) {}

  /** As `ExpertRunner.sum`. */
  async sum(batch: Routed<DeviceTensor>, spec: ExpertsSpec, read: ReadExpert): Promise<DeviceTensor> {
    const session = await this.sessions.of(expertSumGraph(spec), [SUM])
    const { input } = batch
    return this.#added(batch, spec, ({ expert, ...own }, before) =>
      this.there.with(read, expert, async (weights) => {
        const { there } = await session.keep({ ...weights, ...gathering(own), input, before })
        return there[SUM] as DeviceTensor
      })
    )
  }

  /** As `ExpertRunner.backward`. */
  async backward(
    batch: Routed<DeviceTensor>,
    gradient: DeviceTensor,
    spec: ExpertsSpec,
    read: ReadExpert
  ): Promise<Routed<DeviceTensor>> {
    const session = await this.sessions.of(expertSumBackwardGraph(spec), [SUM])
    const { input } = batch
    const routing = new Float32Array(batch.routing.length)
    const sum = await this.#added(batch, spec, ({ expert, ...own }, before) =>
      this.there.with(read, expert, async (weights) => {
        const { here, there } = await session.keep({ ...weights, ...gathering(own), input, gradient, before })
        const found = here['gradient.weight']?.data as Float32Array
        for (const [i, token] of own.tokens.entries()) routing[token * spec.count + expert] = found[i] as number
        return there[SUM] as DeviceTensor
      })
    )
    return { input: sum, routing }
  }

  /** What experts add to each other's sum, one after another; the sum of all is the caller's to give back. */
  async #added(
    batch: Routed<DeviceTensor>,
    spec: ExpertsSpec,
    add: (own: ExpertTokens, before: DeviceTensor) => Promise<DeviceTensor>
  ): Promise<DeviceTensor> {
    let sum = await this.memory.zeros(batch.input)
    for (const own of routedTokens(batch, spec)) {
      const before = sum
      try {
        sum = await add(own, before)
      } finally {
        giveBack([before])
      }
    }
    return sum
  }
}

/** By what the graphs of an expert find its rows, and weigh them. */
const gathering = ({ tokens, weight }: Omit<ExpertTokens, 'expert'>): Feeds => ({
  own: { data: tokens, shape: [tokens.length, 1] },
  weight
})
