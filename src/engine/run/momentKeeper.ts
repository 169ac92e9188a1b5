import { createHash, type Hash } from 'node:crypto'
import type { KeptMoments, MomentStore } from '../../shared/keptMoments'
import type { RunRecord, SolvedBlock } from '../../shared/runFolder'
import { rowsDigest } from '../calibration/rowsDigest'
import { makeRoom, removeSet, touchSet, writeSetFacts } from '../formats/momentSets'
import { BrokenSeal } from '../formats/sealedFile'
import type { BlockRunner } from '../models/blockRunner'
import type { ReadBlockWeights } from '../models/blockWeights'
import { bytesOf } from '../numerics/bytesOf'
import { keptMoments, needsLastStates } from '../plan/keptMoments'
import { computedOn } from '../prepare/momentKey'
import type { PreparedRun } from '../prepare/preparedRun'
import type { Calibrated } from './calibrated'
import type { HiddenStates } from './hiddenStates'
import { type MomentSet, readMoments, readStates, writeMoments, writeStates } from './momentFiles'

interface Keeping {
  readonly prepared: PreparedRun
  readonly runner: BlockRunner
  readonly record: Pick<RunRecord, 'calibration'>
}

/**
 * Second moments that outlive a run. H of a block depends on the calibration rows and on full precision alone, so another run
 * with other methods, ranks or number formats reads what this one computed, bit by bit, and need not calibrate.
 *
 * Where a set lies is told by what costs nothing to know (prepare/momentKey.ts). What it is of, each file says by a label that
 * goes from block to block:
 *
 *     label₋₁ = SHA-256(device, states before the first block, positions that count)
 *     labelᵦ = SHA-256(labelᵦ₋₁, graph of block b, all of its weights)
 *
 * so that no second moment of other weights is ever taken, whatever times and names of files say. Nothing that happens to the
 * files fails a run: what cannot be read is computed, what cannot be written is not kept, and either is told.
 */
export class MomentKeeper {
  /** Of each block so far; undefined before the first. */
  readonly #labels: Uint8Array[] = []
  #problem: string | undefined

  private constructor(
    private readonly options: Keeping,
    private readonly set: MomentSet,
    private using: boolean,
    private keeping: boolean
  ) {}

  /**
   * @param solved - blocks that an earlier process finished
   * @param needed - bytes of disk that the run needs
   * @returns what it does, and who does it: nobody where nothing is used or kept
   */
  static async open(
    options: Keeping,
    store: MomentStore | undefined,
    solved: readonly SolvedBlock[],
    needed: number
  ): Promise<{ kept?: KeptMoments; keeper?: MomentKeeper }> {
    const { prepared } = options
    const found = await keptMoments(prepared, store, needed)
    if (store === undefined || found === undefined) return {}
    const { key, kept } = found
    // A process that kept none left no labels.
    const labels = solved.flatMap(({ moments }) => moments ?? [])
    if (labels.length < solved.length) return {}
    if (kept.state !== 'used' && kept.state !== 'kept') return { kept }
    const keeper = new MomentKeeper(options, { store, key }, kept.state === 'used', false)
    keeper.#labels.push(...labels.map((label) => Buffer.from(label, 'hex')))
    if (kept.state === 'used') await touchSet(store.folder, key)
    else await keeper.#begin(kept.bytes)
    return { kept, keeper }
  }

  /** Whether calibration is skipped, as far as is known. */
  get isUsing(): boolean {
    return this.using
  }

  /** What went wrong since the last look: one sentence. */
  takeProblem(): string | undefined {
    const problem = this.#problem
    this.#problem = undefined
    return problem
  }

  /** Notes which weights a block has; blocks come in order. The result is for the journal. */
  async note(block: number, first: HiddenStates, weights: ReadBlockWeights): Promise<string> {
    const before = block === 0 ? await this.#beginning(first) : this.#labelOf(block - 1)
    const hash = createHash('sha256').update(before)
    for (const graph of this.options.runner.calibrationGraphs(block)) hash.update(graph)
    await addWeights(hash, weights, this.options.prepared.parts.experts(block)?.count ?? 0)
    const label = hash.digest()
    this.#labels[block] = label
    return label.toString('hex')
  }

  /** What an earlier run found of a block; undefined where it has to be computed. */
  async read(block: number): Promise<Calibrated | undefined> {
    const { prepared } = this.options
    return this.#attempt(() => readMoments(this.set, prepared, block, this.#labelOf(block)))
  }

  /** Has the states behind the last block read where the run needs them; false where they have to be computed. */
  async readLast(states: HiddenStates): Promise<boolean> {
    const { prepared } = this.options
    if (!needsLastStates(prepared)) return true
    const last = this.#labelOf(prepared.architecture.blocks - 1)
    const read = await this.#attempt(async () => {
      await readStates(this.set, prepared, states, last)
      return true
    })
    return read === true
  }

  async keep(block: number, calibrated: Calibrated): Promise<void> {
    await this.#writing(() => writeMoments(this.set, this.options.prepared, block, this.#labelOf(block), calibrated))
  }

  /** Keeps the states behind the last block, and says that the set is complete. */
  async keepLast(states: HiddenStates): Promise<void> {
    const last = this.#labelOf(this.options.prepared.architecture.blocks - 1)
    await this.#writing(async () => {
      await writeStates(this.set, states, last)
      await this.#writeFacts(true)
    })
  }

  async #attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
    if (!this.using) return undefined
    try {
      await touchSet(this.set.store.folder, this.set.key)
      return await read()
    } catch (error) {
      const how = error instanceof BrokenSeal ? error.message : `cannot be read (${textOf(error)})`
      this.using = false
      this.#problem = `second moments of an earlier run ${how}: they are computed anew`
      await this.#begin(0)
      return undefined
    }
  }

  async #begin(bytes: number): Promise<void> {
    this.keeping = true
    await this.#writing(async () => {
      const { folder, limitBytes } = this.set.store
      if (bytes > 0) await makeRoom(folder, this.set.key, bytes, limitBytes)
      await this.#writeFacts(false)
    })
  }

  async #writing(write: () => Promise<void>): Promise<void> {
    if (!this.keeping) return
    try {
      await write()
    } catch (error) {
      this.keeping = false
      this.#problem = `second moments are not kept for later runs: ${textOf(error)}`
      await removeSet(this.set.store.folder, this.set.key) // its room may be what is missing
    }
  }

  #writeFacts(complete: boolean): Promise<void> {
    const { prepared, record } = this.options
    const { checkpoint, calibration, architecture } = prepared
    return writeSetFacts(this.set.store.folder, this.set.key, {
      version: 1,
      complete,
      model: checkpoint.directory,
      calibration: record.calibration.map(({ name }) => name),
      tokens: calibration.tokenCount,
      blocks: architecture.blocks
    })
  }

  async #beginning(first: HiddenStates): Promise<Uint8Array> {
    const { prepared } = this.options
    const states = first.generation === 0 ? first.entry?.sha256 : undefined
    if (states === undefined) throw new Error('MomentKeeper.note before the rows are embedded')
    const known = [await computedOn(prepared), states, rowsDigest(prepared.calibration)]
    return createHash('sha256').update(JSON.stringify(known)).digest()
  }

  #labelOf(block: number): Uint8Array {
    const label = this.#labels[block]
    if (label === undefined) throw new Error(`MomentKeeper: block ${block} was not noted`)
    return label
  }
}

async function addWeights(
  hash: Hash,
  { linears, parameters, experts }: ReadBlockWeights,
  count: number
): Promise<void> {
  const add = (name: string, data: ArrayBufferView): void => {
    hash.update(`${name} ${data.byteLength}\n`)
    const bytes = bytesOf(data)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES))
  }
  for (const [name, data] of linears) add(name, data)
  for (const [name, { data }] of Object.entries(parameters)) if (data !== undefined) add(name, data)
  for (let expert = 0; expert < count; expert++)
    for (const [name, { data }] of Object.entries((await experts?.(expert)) ?? {}))
      if (data !== undefined) add(name, data)
}

/** Some versions of OpenSSL take no more than 2 GiB at a time. */
const PIECE_BYTES = 2 ** 26

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
