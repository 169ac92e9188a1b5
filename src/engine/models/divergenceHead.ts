import { GraphBuilder, type Value } from '../graph/graphBuilder'
import { DeviceTensor, type Feeds, GraphSession, giveBack, type Tensor } from '../graph/session'
import type { ModelArchitecture } from './architecture'
import { capSlope, softcapped } from './attention'
import type { PackedUploads } from './packedUploads'
import { carriedTile, type HeadTiles } from './vocabularyHead'

/** What is added up over the tiles of the vocabulary for some positions. */
type ColumnName = 'studentMax' | 'studentSum' | 'teacherMax' | 'teacherSum' | 'cross'
/** The same, where the gradient is asked for: half of the products. */
type RowName = 'studentRow' | 'teacherRow'
type Sums = Readonly<Record<ColumnName, Tensor> & Partial<Record<RowName, Tensor | DeviceTensor>>>
/** The same, all of it here. */
type Summed = Readonly<Record<ColumnName, Tensor> & Partial<Record<RowName, Tensor>>>

const ROWS: readonly RowName[] = ['studentRow', 'teacherRow']

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
    private readonly whole: GraphSession,
    private readonly valuesAlone: GraphSession,
    private readonly uploads: PackedUploads
  ) {}

  /** @param uploads - to the device that computes: where that keeps tensors, states and sums of rows lie there for all tiles */
  static async create(
    architecture: ModelArchitecture,
    head: HeadTiles,
    uploads: PackedUploads
  ): Promise<DivergenceHead> {
    const { device, keepsTensors } = uploads.memory
    const whole = await GraphSession.create(divergenceTileGraph(architecture, true), device, keepsTensors ? ROWS : [])
    const valuesAlone = await GraphSession.create(divergenceTileGraph(architecture, false), device)
    return new DivergenceHead(architecture, head, whole, valuesAlone, uploads)
  }

  /** @param student, teacher - states behind the final norm, [positions, embeddingSize] */
  async compute(student: Float32Array, teacher: Float32Array): Promise<Divergence> {
    const width = this.architecture.embeddingSize
    const sums = await this.#overTiles(this.whole, student, teacher, true)
    return { values: valuesOf(sums), gradient: gradientOf(sums, student.length / width, width) }
  }

  /** The divergence of each position alone, nats, for half the products. */
  async values(student: Float32Array, teacher: Float32Array): Promise<Float64Array> {
    return valuesOf(await this.#overTiles(this.valuesAlone, student, teacher, false))
  }

  async release(): Promise<void> {
    await this.whole.release()
    await this.valuesAlone.release()
  }

  async #overTiles(
    session: GraphSession,
    student: Float32Array,
    teacher: Float32Array,
    rows: boolean
  ): Promise<Summed> {
    const width = this.architecture.embeddingSize
    const positions = student.length / width
    const shape = [positions, width]
    const { uploads, head } = this
    const states: Record<string, Feeds[string]> = {}
    let sums: Sums = noSums(positions, rows ? width : undefined)
    try {
      states.student = await uploads.carry({ data: student, shape })
      states.teacher = await uploads.carry({ data: teacher, shape })
      for (const [begin, end] of head.tiles()) {
        const tile = await carriedTile(uploads, await head.readTile(begin, end), width)
        const before = sums
        try {
          const { here, there } = await session.keep({ ...states, ...tile, ...asInputs(before) })
          sums = { ...here, ...there } as unknown as Sums
        } finally {
          giveBack([...Object.values(tile), ...Object.values(before)])
        }
      }
      return await readSums(uploads, sums)
    } finally {
      giveBack([...Object.values(states), ...Object.values(sums)])
    }
  }
}

const asInputs = (sums: Sums): Feeds =>
  Object.fromEntries(Object.entries(sums).map(([name, values]) => [`${name}Before`, values]))

/** Sums with the rows that lie on the device, which are not given back. */
async function readSums({ memory }: PackedUploads, sums: Sums): Promise<Summed> {
  const read: Record<string, Tensor> = {}
  for (const [name, values] of Object.entries(sums)) {
    read[name] = values instanceof DeviceTensor ? await memory.read(values) : values
  }
  return read as unknown as Summed
}

/** @param width - of the rows; undefined where there are none */
function noSums(positions: number, width: number | undefined): Summed {
  const column = (value: number): Tensor => ({ data: new Float32Array(positions).fill(value), shape: [positions, 1] })
  const largest = -3.4028234663852886e38
  const columns = {
    studentMax: column(largest),
    studentSum: column(0),
    teacherMax: column(largest),
    teacherSum: column(0),
    cross: column(0)
  }
  if (width === undefined) return columns
  const rows = (): Tensor => ({ data: new Float32Array(positions * width), shape: [positions, width] })
  return { ...columns, studentRow: rows(), teacherRow: rows() }
}

function valuesOf({ studentMax, studentSum, teacherMax, teacherSum, cross }: Summed): Float64Array {
  const at = ({ data }: Tensor, i: number): number => data[i] as number
  return Float64Array.from({ length: cross.data.length }, (_, i) => {
    const logSums = at(teacherMax, i) + Math.log(at(teacherSum, i)) - at(studentMax, i) - Math.log(at(studentSum, i))
    return at(cross, i) / at(teacherSum, i) - logSums
  })
}

function gradientOf({ studentSum, studentRow, teacherSum, teacherRow }: Summed, positions: number, width: number) {
  const gradient = new Float32Array(positions * width)
  const [own, full] = [studentRow?.data as Float32Array, teacherRow?.data as Float32Array]
  for (let i = 0; i < positions; i++) {
    const [ownSum, fullSum] = [studentSum.data[i] as number, teacherSum.data[i] as number]
    for (let j = i * width; j < (i + 1) * width; j++) {
      gradient[j] = (own[j] as number) / ownSum - (full[j] as number) / fullSum
    }
  }
  return gradient
}

/**
 * One tile of the vocabulary: `student` and `teacher` [positions, width], `head` [tile, width] and, under `…Before`, what the
 * tiles before gave; max and sum [positions, 1], row = Σⱼ exp(logitⱼ − max) cap′(sⱼ) wⱼ [positions, width],
 * cross = Σⱼ exp(tⱼ − max t) (tⱼ − sⱼ) [positions, 1].
 *
 * @param rows - whether the rows, for the gradient, are summed as well
 */
function divergenceTileGraph(
  { embeddingSize: width, logitSoftcap, headBias }: ModelArchitecture,
  rows: boolean
): Uint8Array {
  const g = new GraphBuilder()
  const head = g.input('head', ['tile', width])
  const bias = headBias === undefined ? {} : { bias: g.input('headBias', ['tile']) }
  const logits = (name: string): Value => {
    const raw = g.gemm(g.input(name, ['positions', width]), head, { transB: 1, ...bias })
    return logitSoftcap === undefined ? raw : softcapped(g, raw, logitSoftcap)
  }
  const [s, t] = [logits('student'), logits('teacher')]
  const slope = logitSoftcap === undefined || !rows ? undefined : capSlope(g, s, logitSoftcap)
  const before = (name: ColumnName | RowName, columns = 1): Value => g.input(`${name}Before`, ['positions', columns])
  const give = (name: ColumnName | RowName, value: Value, columns = 1) => g.output(name, value, ['positions', columns])
  const overTile = (operator: string, value: Value): Value => g.node(operator, [value, g.ints([1])], { keepdims: 1 })
  const gather = (who: 'student' | 'teacher', values: Value) => {
    const maxBefore = before(`${who}Max`)
    const max = g.node('Max', [maxBefore, overTile('ReduceMax', values)])
    const kept = g.node('Exp', [g.sub(maxBefore, max)])
    const exponentials = g.node('Exp', [g.sub(values, max)])
    give(`${who}Max`, max)
    give(`${who}Sum`, g.add(g.mul(before(`${who}Sum`), kept), overTile('ReduceSum', exponentials)))
    if (rows) {
      const weighted = slope === undefined ? exponentials : g.mul(exponentials, slope)
      give(`${who}Row`, g.gemm(weighted, head, { bias: g.mul(before(`${who}Row`, width), kept) }), width)
    }
    return { kept, exponentials }
  }
  gather('student', s)
  const { kept, exponentials } = gather('teacher', t)
  const cross = overTile('ReduceSum', g.mul(exponentials, g.sub(t, s)))
  give('cross', g.add(g.mul(before('cross'), kept), cross))
  return g.build()
}
