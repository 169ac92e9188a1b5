import { PlainRunners } from '../base/outerLinears'
import { stateSize } from '../models/architecture'
import { DivergenceHead } from '../models/divergenceHead'
import { HEAD_POSITIONS } from '../models/headRunner'
import { finalNormBackwardGraph, finalNormGraph } from '../models/modelGraphs'
import type { PackedUploads } from '../models/packedUploads'
import { VocabularyHead } from '../models/vocabularyHead'
import type { PreparedRun } from '../prepare/preparedRun'
import type { RowBatch } from './refinedRows'

/** KL(full precision ‖ student) over the predicting positions of a batch. */
export interface BatchDivergence {
  /** Sum over the positions, nats. */
  readonly sum: number
  /** ∂sum / ∂(student's states behind the last block), [tokens, hidden]. */
  gradient(): Promise<Float32Array>
}

/** What lies behind the last block, under full precision and under a quantized base: final norm, head, divergence. */
export class ModelEnd {
  private constructor(
    private readonly prepared: PreparedRun,
    private readonly quantizer: string,
    private readonly norms: PlainRunners,
    private readonly backward: PlainRunners,
    private readonly head: DivergenceHead
  ) {}

  /**
   * @param quantizer - key of the student's base
   * @param uploads - to the device that computes
   */
  static async open(prepared: PreparedRun, quantizer: string, uploads: PackedUploads): Promise<ModelEnd> {
    const { architecture, weights } = prepared
    const tiles = await VocabularyHead.open(architecture, weights, uploads.memory.keepsTensors)
    const head = await DivergenceHead.create(architecture, tiles, uploads)
    const norms = new PlainRunners(prepared, (form) => finalNormGraph(architecture, form))
    const backward = new PlainRunners(prepared, (form) => finalNormBackwardGraph(architecture, form))
    return new ModelEnd(prepared, quantizer, norms, backward, head)
  }

  /**
   * The sum alone, for half the products of the head.
   *
   * @param student, teacher - states behind the last block, [tokens, hidden]
   */
  async divergence(student: Float32Array, teacher: Float32Array, batch: RowBatch): Promise<number> {
    let sum = 0
    for await (const { own, full } of this.#pieces(student, teacher, batch)) {
      for (const value of await this.head.values(own, full)) sum += value
    }
    return sum
  }

  /** @param student, teacher - states behind the last block, [tokens, hidden] */
  async compare(student: Float32Array, teacher: Float32Array, batch: RowBatch): Promise<BatchDivergence> {
    const { embeddingSize: width } = this.prepared.architecture
    const normed = new Float32Array(batch.real.length * width)
    let sum = 0
    for await (const { positions, own, full } of this.#pieces(student, teacher, batch)) {
      const { values, gradient } = await this.head.compute(own, full)
      for (const value of values) sum += value
      for (const [i, at] of positions.entries()) normed.set(gradient.subarray(i * width, (i + 1) * width), at * width)
    }
    return { sum, gradient: () => this.#throughNorm(student, normed, batch) }
  }

  async release(): Promise<void> {
    await this.norms.release()
    await this.backward.release()
    await this.head.release()
  }

  /** The states that predict a token, behind the final norm: as many at a time as the head takes. */
  async *#pieces(student: Float32Array, teacher: Float32Array, batch: RowBatch) {
    const { embeddingSize: width } = this.prepared.architecture
    const own = await this.#normed(this.quantizer, student, batch)
    const full = await this.#normed(undefined, teacher, batch)
    for (let first = 0; first < batch.predicting.length; first += HEAD_POSITIONS) {
      const positions = batch.predicting.subarray(first, first + HEAD_POSITIONS)
      yield { positions, own: gather(own, positions, width), full: gather(full, positions, width) }
    }
  }

  async #normed(quantizer: string | undefined, states: Float32Array, { real }: RowBatch): Promise<Float32Array> {
    return (await this.norms.of(quantizer)).run('hidden', states, stateSize(this.prepared.architecture), real)
  }

  async #throughNorm(states: Float32Array, gradient: Float32Array, { real }: RowBatch): Promise<Float32Array> {
    const { architecture } = this.prepared
    const { embeddingSize } = architecture
    const beside = { gradient: { data: gradient, shape: [gradient.length / embeddingSize, embeddingSize] } }
    return (await this.backward.of(this.quantizer)).run('hidden', states, stateSize(architecture), real, beside)
  }
}

/** The rows of states [tokens, width] at these positions. */
export function gather(states: Float32Array, positions: Int32Array, width: number): Float32Array {
  const gathered = new Float32Array(positions.length * width)
  for (const [i, at] of positions.entries()) gathered.set(states.subarray(at * width, (at + 1) * width), i * width)
  return gathered
}
