import type { PlainRunners } from '../base/outerLinears'
import { realTokens, type TokenRows } from '../calibration/rows'
import { DeviceMemory } from '../graph/deviceMemory'
import { type DeviceTensor, giveBack, type Tensor } from '../graph/session'
import { stateSize } from '../models/architecture'
import type { PlainRunner } from '../models/plainRunner'
import type { PreparedRun } from '../prepare/preparedRun'
import type { HiddenStates } from './hiddenStates'
import type { EvaluationStream } from './streams'

/** Positions [first, last) of one batch. */
export interface Part {
  readonly batch: number
  readonly first: number
  readonly last: number
}

/** What the head takes: values, or what lies on its device. */
export type Normed = Float32Array | DeviceTensor

/** States behind the final norm, for the head; on a device that keeps tensors neither they nor what they are made of come here. */
export class NormedStates {
  readonly #memory: DeviceMemory
  readonly #width: number

  constructor(
    { recipe, architecture }: PreparedRun,
    private readonly norms: PlainRunners,
    /** Of every stream. */
    private readonly rows: TokenRows
  ) {
    this.#memory = new DeviceMemory(recipe.device)
    this.#width = stateSize(architecture)
  }

  /**
   * Does work with the states of a part after the final norm, which hold so long.
   *
   * @throws {AppError} DEVICE when the device fails, IO as `HiddenStates.read`
   */
  async with<T>({ quantizer, states }: EvaluationStream, part: Part, work: (normed: Normed) => Promise<T>): Promise<T> {
    const norm = await this.norms.of(quantizer)
    const normed = await (this.#memory.keepsTensors ? this.#there(norm, states, part) : this.#here(norm, states, part))
    try {
      return await work(normed)
    } finally {
      giveBack([normed])
    }
  }

  release(): Promise<void> {
    return this.#memory.release()
  }

  /** Linears that look at a whole batch are given the whole batch. */
  async #here(norm: PlainRunner, states: HiddenStates, { batch, first, last }: Part): Promise<Float32Array> {
    if (!norm.readsReal) return norm.run('hidden', await states.readPositions(first, last), this.#width)
    const [begin, end] = states.positionsOf(batch)
    const whole = await norm.run('hidden', await states.read(batch), this.#width, this.#realOf(states, batch))
    const size = whole.length / (end - begin)
    return whole.subarray((first - begin) * size, (last - begin) * size)
  }

  async #there(norm: PlainRunner, states: HiddenStates, { batch, first, last }: Part): Promise<DeviceTensor> {
    const [begin, end] = states.positionsOf(batch)
    const [from, to] = [first - begin, last - begin]
    const lies = states.there(batch)
    if (norm.readsReal) {
      const hidden = lies ?? this.#tensor(await states.read(batch))
      return this.#cut(await norm.leave('hidden', hidden, this.#realOf(states, batch)), from, to, end - begin)
    }
    if (lies === undefined) return norm.leave('hidden', this.#tensor(await states.readPositions(first, last)))
    if (last - first === end - begin) return norm.leave('hidden', lies)
    const hidden = await this.#memory.rows(lies, from, to)
    try {
      return await norm.leave('hidden', hidden)
    } finally {
      giveBack([hidden])
    }
  }

  /** Rows [from, to) of a tensor of so many, in its place. */
  async #cut(whole: DeviceTensor, from: number, to: number, rows: number): Promise<DeviceTensor> {
    if (to - from === rows) return whole
    try {
      return await this.#memory.rows(whole, from, to)
    } finally {
      giveBack([whole])
    }
  }

  #tensor(data: Float32Array): Tensor {
    return { data, shape: [data.length / this.#width, this.#width] }
  }

  #realOf = (states: HiddenStates, batch: number): Float32Array => realTokens(this.rows, ...states.rowsOf(batch))
}
