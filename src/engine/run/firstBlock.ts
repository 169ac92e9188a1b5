import { liesIn, linearError } from '../base/linearError'
import { realTokens, type TokenRows } from '../calibration/rows'
import { SecondMoments } from '../calibration/secondMoments'
import type { LinearAlgebra } from '../graph/linearAlgebra'
import { giveBack } from '../graph/session'
import { stopHere } from '../graph/stopHere'
import { LayerProblem } from '../methods/layerProblem'
import type { SecondMoment } from '../methods/secondMoment'
import { sharingMoments } from '../methods/sharedMoments'
import { batchRows } from '../models/batchRows'
import type { BlockRunner } from '../models/blockRunner'
import type { BlockWeights, ReadBlockWeights } from '../models/blockWeights'
import { readCarried } from '../models/carriedBlock'
import { EmbeddingRunner } from '../models/embeddingRunner'
import type { PreparedLinear } from '../models/modelLinears'
import { innerProduct, type Matrix64 } from '../numerics/matrix'
import { type PreparedRun, specOf } from '../prepare/preparedRun'
import { finiteMoments } from './advance'

export interface RowsTools {
  readonly prepared: PreparedRun
  readonly runner: BlockRunner
  readonly algebra: LinearAlgebra
  readonly signal: AbortSignal
}

/** The only block before which nothing has to be computed. */
const FIRST = 0

/** A linear of the block under one quantizer, and the largest rank at which it is corrected. */
interface Target {
  readonly quantizer: string
  readonly linear: PreparedLinear
  readonly rank: number
}

/**
 * The first block in full precision, with what quantizing does to its linears: which corrections rows lead to, and what
 * these leave of the error on other rows. One set of second moments and one linear's error are in memory at a time.
 */
export class FirstBlock {
  private constructor(
    private readonly tools: RowsTools,
    private readonly embedding: EmbeddingRunner,
    private readonly weights: ReadBlockWeights,
    /** Where batches take them. */
    private readonly carried: BlockWeights,
    private readonly targets: readonly Target[]
  ) {}

  static async open(tools: RowsTools): Promise<FirstBlock> {
    const { prepared, runner } = tools
    const { architecture, weights, recipe } = prepared
    const embedding = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device)
    try {
      const { read, carried } = await readCarried(runner, prepared, FIRST)
      return new FirstBlock(tools, embedding, read, carried, targetsOf(prepared))
    } catch (error) {
      await embedding.release()
      throw error
    }
  }

  async release(): Promise<void> {
    giveBack(this.carried.linears.values())
    await this.embedding.release()
  }

  /**
   * Share of the error that the best corrections by every second of these rows (`half`), and by all of them (`left`), leave on
   * other rows: the mean over linears and quantizers of tr(R H Rᵀ) / tr(E H Eᵀ), R = E − U Uᵀ E, H of the others.
   */
  async judge(rows: TokenRows, others: TokenRows): Promise<{ half: number; left: number }> {
    const ofHalf = await this.#corrections(await this.#moments(rows, 2))
    const ofAll = await this.#corrections(await this.#moments(rows, 1))
    const moments = await this.#moments(others, 1)
    let [half, left, judged] = [0, 0, 0]
    await this.#solving(moments, async (problem, _, place) => {
      const error = await problem.lossRank0()
      if (!(error > 0)) return
      half += await leftBy(problem, ofHalf[place] as Matrix64, error)
      left += await leftBy(problem, ofAll[place] as Matrix64, error)
      judged++
    })
    return judged === 0 ? { half: 0, left: 0 } : { half: half / judged, left: left / judged }
  }

  /** H of each distinct input of the block, over every `step`-th row. */
  async #moments(rows: TokenRows, step: number): Promise<SecondMoment[]> {
    const { prepared, runner, signal } = this.tools
    const { parts, recipe } = prepared
    const { context } = rows
    const sums = new SecondMoments(parts.inputs(FIRST))
    const taken = Array.from({ length: Math.ceil(rows.rows / step) }, (_, i) => i * step)
    const size = batchRows(recipe.context)
    for (let begin = 0; begin < taken.length; begin += size) {
      await stopHere(signal)
      const batch = taken.slice(begin, begin + size)
      const pick = <T extends Int32Array | Uint8Array>(from: T, into: (length: number) => T): T => {
        const picked = into(batch.length * context)
        for (const [i, row] of batch.entries())
          picked.set(from.subarray(row * context, (row + 1) * context), i * context)
        return picked
      }
      const ids = pick(rows.ids, (length) => new Int32Array(length))
      const mask = Float32Array.from(pick(rows.counted, (length) => new Uint8Array(length)))
      const lengths = Int32Array.from(batch, (row) => rows.lengths[row] as number)
      const hidden = await this.embedding.run(ids, realTokens({ ...rows, lengths }, 0, batch.length))
      sums.add(
        await runner.grams(FIRST, hidden, mask, this.carried),
        mask.reduce((sum, value) => sum + value, 0)
      )
    }
    return finiteMoments(prepared, FIRST, sums)
  }

  /** U of each target: the leading eigenvectors of E H Eᵀ. */
  #corrections(moments: readonly SecondMoment[]): Promise<Matrix64[]> {
    return this.#solving(moments, (problem, { rank }) => problem.leading('full', rank))
  }

  /** Does work with the problem of each target, and gives what it finds, in their order. */
  async #solving<T>(
    moments: readonly SecondMoment[],
    work: (problem: LayerProblem, target: Target, place: number) => Promise<T>
  ): Promise<T[]> {
    const { algebra } = this.tools
    const found: T[] = []
    const momentOf = ({ linear }: Target) => moments[linear.input] as SecondMoment
    const solve = async (target: Target): Promise<T> =>
      work(await this.#problemOf(target, momentOf(target)), target, found.length)
    for await (const result of sharingMoments(algebra, this.targets, momentOf, solve)) found.push(result)
    return found
  }

  async #problemOf({ quantizer, linear, rank }: Target, moment: SecondMoment): Promise<LayerProblem> {
    const { prepared, algebra, signal } = this.tools
    await stopHere(signal)
    const weight = this.weights.linears.get(linear.name) as Float32Array
    const own = { linear, weight, lies: liesIn(this.carried, linear) }
    const base = await prepared.base?.read(linear)
    const { Q, E } = await linearError(algebra, own, specOf(prepared, quantizer), base)
    giveBack([Q])
    return new LayerProblem(algebra, linear.path, E, moment, { maxRank: rank, seed: prepared.recipe.seed })
  }
}

/** 1 − tr(Uᵀ E H Eᵀ U) / tr(E H Eᵀ). */
async function leftBy(problem: LayerProblem, U: Matrix64, error: number): Promise<number> {
  const X = await problem.project(U) // UᵀE
  const XH = await problem.algebra.gemm64(X, problem.moment.H)
  return Math.max(0, 1 - innerProduct(X.data, XH.data) / error)
}

/** The linears of the first block that a variant corrects, each at the largest rank; all of them where none is. */
function targetsOf({ linears, variants, quantizers }: PreparedRun): Target[] {
  const first = linears.filter(({ block }) => block === FIRST)
  const most = Math.max(...variants.map(({ spec }) => spec.rank))
  const found = [...quantizers.keys()].flatMap((quantizer) =>
    first.flatMap((linear): Target[] => {
      const own = variants.filter((one) => one.quantizer === quantizer && one.targets.has(linear.path))
      return own.length === 0 ? [] : [{ quantizer, linear, rank: Math.max(...own.map(({ spec }) => spec.rank)) }]
    })
  )
  if (found.length > 0) return found
  return [...quantizers.keys()].flatMap((quantizer) =>
    first.map((linear) => ({ quantizer, linear, rank: Math.min(most, linear.inFeatures, linear.outFeatures) }))
  )
}
