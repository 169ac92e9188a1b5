import { PlainRunners } from '../base/outerLinears'
import { DivergenceHead } from '../models/divergenceHead'
import { HEAD_POSITIONS } from '../models/headRunner'
import { finalNormBackwardGraph, finalNormGraph } from '../models/modelGraphs'
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

  /** @param quantizer - key of the student's base */
  static async open(prepared: PreparedRun, quantizer: string): Promise<ModelEnd> {
    const { architecture, weights, recipe } = prepared
    const tiles = await VocabularyHead.open(architecture, weights)
    const head = await DivergenceHead.create(architecture, tiles, recipe.device)
    const norms = new PlainRunners(prepared, (form) => finalNormGraph(architecture, form))
    const backward = new PlainRunners(prepared, (form) => finalNormBackwardGraph(architecture, form))
    return new ModelEnd(prepared, quantizer, norms, backward, head)
  }

  /** @param student, teacher - states behind the last block, [tokens, hidden] */
  async compare(student: Float32Array, teacher: Float32Array, batch: RowBatch): Promise<BatchDivergence> {
    const { embeddingSize: width } = this.prepared.architecture
    const own = await this.#normed(this.quantizer, student, batch)
    const full = await this.#normed(undefined, teacher, batch)
    const normed = new Float32Array(own.length)
    let sum = 0
    for (let first = 0; first < batch.predicting.length; first += HEAD_POSITIONS) {
      const positions = batch.predicting.subarray(first, first + HEAD_POSITIONS)
      const { values, gradient } = await this.head.compute(
        gather(own, positions, width),
        gather(full, positions, width)
      )
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

  async #normed(quantizer: string | undefined, states: Float32Array, { real }: RowBatch): Promise<Float32Array> {
    return (await this.norms.of(quantizer)).run('hidden', states, this.prepared.architecture.hiddenSize, real)
  }

  async #throughNorm(states: Float32Array, gradient: Float32Array, { real }: RowBatch): Promise<Float32Array> {
    const { hiddenSize, embeddingSize } = this.prepared.architecture
    const beside = { gradient: { data: gradient, shape: [gradient.length / embeddingSize, embeddingSize] } }
    return (await this.backward.of(this.quantizer)).run('hidden', states, hiddenSize, real, beside)
  }
}

function gather(states: Float32Array, positions: Int32Array, width: number): Float32Array {
  const gathered = new Float32Array(positions.length * width)
  for (const [i, at] of positions.entries()) gathered.set(states.subarray(at * width, (at + 1) * width), i * width)
  return gathered
}
