import { elementCount } from '../formats/tensorInfo'
import type { DeviceMemory } from '../graph/deviceMemory'
import { DeviceTensor, type Feeds, giveBack, type Tensor } from '../graph/session'
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
        const { there } = await session.keep({ ...weights, ...gathering(own, input), input, before })
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
        const { here, there } = await session.keep({ ...weights, ...gathering(own, input), input, gradient, before })
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
    add: (own: ExpertTokens, before: Tensor | DeviceTensor) => Promise<DeviceTensor>
  ): Promise<DeviceTensor> {
    let sum: Tensor | DeviceTensor = { data: new Float32Array(spec.hiddenSize), shape: [1, spec.hiddenSize] }
    for (const own of routedTokens(batch, spec)) {
      const before: Tensor | DeviceTensor = sum
      try {
        sum = await add(own, before)
      } finally {
        giveBack([before])
      }
    }
    return sum instanceof DeviceTensor ? sum : this.#zeros(batch.input.shape)
  }

  async #zeros(shape: readonly number[]): Promise<DeviceTensor> {
    return (await this.memory.upload({ data: new Float32Array(elementCount(shape)), shape })) as DeviceTensor
  }
}

/**
 * What the graphs of an expert gather by and put back: `own` [rows], the numbers of its tokens, `places` [tokens], of each
 * token the place of its row among these, from 1 on, 0 for those that are not routed to it, and `weight`.
 */
function gathering({ tokens, weight }: Omit<ExpertTokens, 'expert'>, { shape: [all = 0] }: DeviceTensor): Feeds {
  const places = new Int32Array(all)
  for (const [i, token] of tokens.entries()) places[token] = i + 1
  return { weight, own: { data: tokens, shape: [tokens.length] }, places: { data: places, shape: [all] } }
}
