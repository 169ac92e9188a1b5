import { stopHere } from '../graph/stopHere'
import { stateSize } from '../models/architecture'
import { batchRows } from '../models/batchRows'
import type { BlockRunner } from '../models/blockRunner'
import { type PreparedRun, specOf } from '../prepare/preparedRun'
import type { MemoryBudget } from './memoryBudget'
import { ModelEnd } from './modelEnd'
import { QuantizedBlocks, roomOfCodes } from './quantizedBlocks'
import { RefinedRows, type RowBatch } from './refinedRows'
import { type AdaptersOf, Student } from './student'

/** States behind the last block of full precision, of positions [begin, end) of the calibration rows. */
export type ReadTeacher = (begin: number, end: number) => Promise<Float32Array>

export interface ComparisonOptions {
  readonly prepared: PreparedRun
  /** Key of the base. */
  readonly quantizer: string
  readonly runner: BlockRunner
  readonly teacher: ReadTeacher
  /** Where it may keep what does not fit into memory. */
  readonly folder: string
  readonly budget: MemoryBudget
  /** Bytes of the device's memory for codes and hidden states. */
  readonly room: number
  readonly signal: AbortSignal
}

/**
 * A quantized model with adapters beside the full-precision one, over rows of the calibration set. One block's weights are
 * in memory at a time; Q never changes.
 */
export class Comparison {
  private constructor(
    private readonly options: ComparisonOptions,
    readonly rows: RefinedRows,
    private readonly blocks: QuantizedBlocks,
    readonly student: Student,
    private readonly end: ModelEnd
  ) {}

  static async open(options: ComparisonOptions): Promise<Comparison> {
    const { prepared, quantizer, runner, folder, budget, room } = options
    const rows = new RefinedRows(prepared.calibration, prepared.recipe.seed)
    const path = keptFile(folder, 'codes')
    const spec = specOf(prepared, quantizer)
    const codes = roomOfCodes(prepared, spec, room)
    const blocks = await QuantizedBlocks.open(prepared, runner.uploads, spec, { path, budget, room: codes })
    const student = await Student.open(prepared, quantizer, runner, blocks, room - codes)
    const end = await ModelEnd.open(prepared, quantizer, runner.uploads)
    return new Comparison(options, rows, blocks, student, end)
  }

  /**
   * KL(full precision ‖ quantized with these adapters) on the held-out rows, mean over their predicting positions, nats; null
   * where it is not finite.
   */
  async heldOut(adapters: AdaptersOf): Promise<number | null> {
    const batches = this.cut(this.rows.heldOut)
    const states = await resultOf(this.student.forward(batches, adapters, this.here))
    let sum = 0
    let positions = 0
    for (const [i, batch] of batches.entries()) {
      await this.here()
      sum += await this.end.divergence(states[i] as Float32Array, await this.teacher(batch), batch)
      positions += batch.predicting.length
    }
    return Number.isFinite(sum) ? sum / positions : null
  }

  /** The divergence of a batch, of which these are the states behind the last block, with its gradient. */
  async compare(states: Float32Array, batch: RowBatch) {
    return this.end.compare(states, await this.teacher(batch), batch)
  }

  /** What a result on the held-out rows says of them. */
  get heldOutCounts(): { readonly heldOutRows: number; readonly heldOutTokens: number } {
    const { rows } = this
    return { heldOutRows: rows.heldOut.length, heldOutTokens: rows.tokens(rows.heldOut) }
  }

  /** The full-precision states behind the last block, [tokens, state]. */
  async teacher({ rows }: RowBatch): Promise<Float32Array> {
    const { recipe, architecture } = this.options.prepared
    const size = recipe.context * stateSize(architecture)
    const states = new Float32Array(rows.length * size)
    for (const [i, row] of rows.entries()) {
      states.set(await this.options.teacher(row * recipe.context, (row + 1) * recipe.context), i * size)
    }
    return states
  }

  /** Batches of rows that are computed together. */
  cut(rows: readonly number[]): RowBatch[] {
    return this.rows.cut(rows, batchRows(this.options.prepared.recipe.context))
  }

  /** Throws where the work is to stop. */
  readonly here = (): Promise<void> => stopHere(this.options.signal)

  async release(): Promise<void> {
    await this.student.release()
    await this.end.release()
    await this.blocks.close()
  }
}

/** No adapter anywhere. */
export const withoutAdapters: AdaptersOf = async () => undefined

/** A file for what does not fit into memory. */
export const keptFile = (folder: string, what: string): string => `${folder}/refine.${what}.tmp`

/** What a generator ends with, whatever it gives on the way. */
async function resultOf<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = await work.next()
    if (done) return value
  }
}
