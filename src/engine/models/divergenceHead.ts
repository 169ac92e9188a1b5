import type { DeviceName } from '../../shared/recipe'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import { type Feeds, GraphSession, type Tensor } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import { softcapped } from './attention'
import type { HeadTiles } from './vocabularyHead'

/** What is added up over the tiles of the vocabulary for some positions. */
const SUMS = ['studentMax', 'studentSum', 'studentRow', 'teacherMax', 'teacherSum', 'teacherRow', 'cross'] as const
type SumName = (typeof SUMS)[number]
type Sums = Readonly<Record<SumName, Tensor>>

/** KL(teacher ‖ student) of the next token at some positions, and where it leads. */
export interface Divergence {
  /** Per position, nats. */
  readonly values: Float64Array
  /** ∂KL / ∂(student's states behind the final norm), of each position by itself: [positions, embeddingSize]. */
  readonly gradient: Float32Array
}

/**
 * The divergence of two sets of next-token distributions and its gradient, in one pass over the vocabulary in tiles.
 *
 * With logits s = cap(S wᵀ + b) of the student and t of the teacher, p = softmax(s), q = softmax(t):
 *
 *     KL(q ‖ p) = Σⱼ qⱼ (tⱼ − sⱼ) − log Σ exp t + log Σ exp s,    ∂KL/∂S = Σⱼ (pⱼ − qⱼ) cap′(sⱼ) wⱼ
 *
 * Every sum is kept relative to the largest logit so far and brought to the new one with each tile (the streaming softmax
 * of Milakov & Gimelshein, arXiv 1805.02867), so that no tile is looked at twice.
 */
export class DivergenceHead {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly head: HeadTiles,
    private readonly session: GraphSession
  ) {}

  static async create(architecture: ModelArchitecture, head: HeadTiles, device: DeviceName): Promise<DivergenceHead> {
    const session = await GraphSession.create(divergenceTileGraph(architecture), device)
    return new DivergenceHead(architecture, head, session)
  }

  /** @param student, teacher - states behind the final norm, [positions, embeddingSize] */
  async compute(student: Float32Array, teacher: Float32Array): Promise<Divergence> {
    const width = this.architecture.embeddingSize
    const positions = student.length / width
    const shape = [positions, width]
    const states: Feeds = { student: { data: student, shape }, teacher: { data: teacher, shape } }
    let sums = noSums(positions, width)
    for (const [begin, end] of this.head.tiles()) {
      const { weights, bias } = await this.head.readTile(begin, end)
      const head: Feeds = {
        head: { data: weights, shape: [end - begin, width] },
        ...(bias && { headBias: { data: bias, shape: [end - begin] } })
      }
      sums = (await this.session.run({ ...states, ...head, ...asInputs(sums) })) as Sums
    }
    return divergenceOf(sums, positions, width)
  }

  release(): Promise<void> {
    return this.session.release()
  }
}

const asInputs = (sums: Sums): Feeds => Object.fromEntries(SUMS.map((name) => [`${name}Before`, sums[name]]))

function noSums(positions: number, width: number): Sums {
  const column = (value: number): Tensor => ({ data: new Float32Array(positions).fill(value), shape: [positions, 1] })
  const rows = (): Tensor => ({ data: new Float32Array(positions * width), shape: [positions, width] })
  const largest = -3.4028234663852886e38
  return {
    studentMax: column(largest),
    studentSum: column(0),
    studentRow: rows(),
    teacherMax: column(largest),
    teacherSum: column(0),
    teacherRow: rows(),
    cross: column(0)
  }
}

function divergenceOf(sums: Sums, positions: number, width: number): Divergence {
  const values = new Float64Array(positions)
  const gradient = new Float32Array(positions * width)
  const at = (name: SumName, i: number): number => sums[name].data[i] as number
  for (let i = 0; i < positions; i++) {
    const [studentSum, teacherSum] = [at('studentSum', i), at('teacherSum', i)]
    const logSums = at('teacherMax', i) + Math.log(teacherSum) - at('studentMax', i) - Math.log(studentSum)
    values[i] = at('cross', i) / teacherSum - logSums
    for (let j = i * width; j < (i + 1) * width; j++) {
      gradient[j] = at('studentRow', j) / studentSum - at('teacherRow', j) / teacherSum
    }
  }
  return { values, gradient }
}

/**
 * One tile of the vocabulary: `student` and `teacher` [positions, width], `head` [tile, width] and, under `…Before`, what the
 * tiles before gave; max and sum [positions, 1], row = Σⱼ exp(logitⱼ − max) cap′(sⱼ) wⱼ [positions, width],
 * cross = Σⱼ exp(tⱼ − max t) (tⱼ − sⱼ) [positions, 1].
 */
function divergenceTileGraph({ embeddingSize: width, logitSoftcap, headBias }: ModelArchitecture): Uint8Array {
  const g = new GraphBuilder()
  const head = g.input('head', ['tile', width])
  const bias = headBias === undefined ? {} : { bias: g.input('headBias', ['tile']) }
  const logits = (name: string): Value => {
    const raw = g.gemm(g.input(name, ['positions', width]), head, { transB: 1, ...bias })
    return logitSoftcap === undefined ? raw : softcapped(g, raw, logitSoftcap)
  }
  const [s, t] = [logits('student'), logits('teacher')]
  const slope = logitSoftcap === undefined ? undefined : capSlope(g, s, logitSoftcap)
  const before = (name: SumName): Value => g.input(`${name}Before`, ['positions', name.endsWith('Row') ? width : 1])
  const give = (name: SumName, value: Value) => g.output(name, value, ['positions', name.endsWith('Row') ? width : 1])
  const overTile = (operator: string, value: Value): Value => g.node(operator, [value, g.ints([1])], { keepdims: 1 })
  const gather = (who: 'student' | 'teacher', values: Value) => {
    const maxBefore = before(`${who}Max`)
    const max = g.node('Max', [maxBefore, overTile('ReduceMax', values)])
    const kept = g.node('Exp', [g.sub(maxBefore, max)])
    const exponentials = g.node('Exp', [g.sub(values, max)])
    const weighted = slope === undefined ? exponentials : g.mul(exponentials, slope)
    give(`${who}Max`, max)
    give(`${who}Sum`, g.add(g.mul(before(`${who}Sum`), kept), overTile('ReduceSum', exponentials)))
    give(`${who}Row`, g.gemm(weighted, head, { bias: g.mul(before(`${who}Row`), kept) }))
    return { kept, exponentials }
  }
  gather('student', s)
  const { kept, exponentials } = gather('teacher', t)
  const cross = overTile('ReduceSum', g.mul(exponentials, g.sub(t, s)))
  give('cross', g.add(g.mul(before('cross'), kept), cross))
  return g.build()
}

/** The derivative of cap · tanh(x / cap), from its value: 1 − (value / cap)². */
function capSlope(g: GraphBuilder, value: Value, cap: number): Value {
  const share = g.div(value, g.scalar(cap))
  return g.sub(g.scalar(1), g.mul(share, share))
}
