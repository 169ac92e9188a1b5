import { GraphBuilder, type Value } from '../graph/graphBuilder'
import { DeviceTensor, type Feeds, GraphSession, giveBack, type Tensor } from '../graph/session'
import type { Random } from '../numerics/random'
import type { ModelArchitecture } from './architecture'
import { capSlope, softcapped } from './attention'
import type { PackedUploads } from './packedUploads'
import { carriedTile, type HeadTile, type HeadTiles } from './vocabularyHead'

/** What is added up over the tiles of the vocabulary for some positions. */
interface Sums {
  /** Largest logit so far, and Σ exp(logit − max): [positions, 1]. */
  readonly max: Tensor
  readonly sum: Tensor
  /** Σ exp(logit − max) cap′(logit) w: [positions, width]. */
  readonly row: Tensor | DeviceTensor
}

/**
 * Gradients of the model's own predictions: of −log p(y) with y drawn from p, so that their second moment is the Fisher
 * information of the next token (Martens & Grosse, arXiv 1503.05671), and not that of the labels of a text.
 *
 * With logits s = cap(S wᵀ + b) and p = softmax(s):
 *
 *     ∂(−log p_y) / ∂S = Σⱼ pⱼ cap′(sⱼ) wⱼ − cap′(s_y) w_y
 *
 * in one pass over the vocabulary in tiles: sums are kept relative to the largest logit so far, and y is drawn anew from a
 * tile with the probability that its share of the sum so far has (reservoir sampling).
 */
export class LabelHead {
  private constructor(
    private readonly architecture: ModelArchitecture,
    private readonly head: HeadTiles,
    private readonly session: GraphSession,
    private readonly uploads: PackedUploads
  ) {}

  /** @param uploads - to the device that computes: where that keeps tensors, states and sums of rows lie there for all tiles */
  static async create(architecture: ModelArchitecture, head: HeadTiles, uploads: PackedUploads): Promise<LabelHead> {
    const { device, keepsTensors } = uploads.memory
    const session = await GraphSession.create(labelTileGraph(architecture), device, keepsTensors ? ['row'] : [])
    return new LabelHead(architecture, head, session, uploads)
  }

  /**
   * @param states - behind the final norm, [positions, embeddingSize]
   * @param random - draws the labels
   * @returns ∂(−log p(y)) / ∂states of each position by itself, [positions, embeddingSize]
   */
  async gradient(states: Float32Array, random: Random): Promise<Float32Array> {
    const width = this.architecture.embeddingSize
    const positions = states.length / width
    const drawn = new Float32Array(states.length) // cap′(s_y) w_y
    const carried = await this.uploads.carry({ data: states, shape: [positions, width] })
    let sums = noSums(positions, width)
    try {
      for (const [begin, end] of this.head.tiles()) {
        const tile = await this.head.readTile(begin, end)
        const outputs = await this.#addTile(carried, tile, sums)
        sums = { max: outputs.max as Tensor, sum: outputs.sum as Tensor, row: outputs.row as Tensor | DeviceTensor }
        draw({ sums, outputs, tile, width, random }, drawn)
      }
      const row = sums.row instanceof DeviceTensor ? await this.uploads.memory.read(sums.row) : sums.row
      return subtracted(sums, row, drawn, width)
    } finally {
      giveBack([carried, sums.row])
    }
  }

  /** What a tile adds to sums, of which it gives back what lies on the device. */
  async #addTile(states: Feeds[string], tile: HeadTile, { max, sum, row }: Sums): Promise<Feeds> {
    const head = await carriedTile(this.uploads, tile, this.architecture.embeddingSize)
    try {
      const before = { maxBefore: max, sumBefore: sum, rowBefore: row }
      const { here, there } = await this.session.keep({ ...head, states, ...before })
      return { ...here, ...there }
    } finally {
      giveBack([head.head, row])
    }
  }

  release(): Promise<void> {
    return this.session.release()
  }
}

function noSums(positions: number, width: number): Sums {
  const column = (value: number): Tensor => ({ data: new Float32Array(positions).fill(value), shape: [positions, 1] })
  const row = { data: new Float32Array(positions * width), shape: [positions, width] }
  return { max: column(-3.4028234663852886e38), sum: column(0), row }
}

interface Drawing {
  readonly sums: Sums
  readonly outputs: Feeds
  readonly tile: HeadTile
  readonly width: number
  readonly random: Random
}

/** Draws labels anew out of a tile, for the positions whose label lies in it. */
function draw({ sums, outputs, tile, width, random }: Drawing, drawn: Float32Array): void {
  const rows = tile.weights.length / width
  const [own, exponentials, slope] = ['tileSum', 'exponentials', 'slope'].map(
    (name) => (outputs[name] as Tensor | undefined)?.data
  )
  for (let i = 0; i < drawn.length / width; i++) {
    const [whether, which] = [random(), random()]
    const share = (own as Float32Array)[i] as number
    if (whether * (sums.sum.data[i] as number) >= share) continue
    const at = i * rows + indexAt((exponentials as Float32Array).subarray(i * rows, (i + 1) * rows), which * share)
    const factor = slope === undefined ? 1 : (slope[at] as number)
    const label = at - i * rows
    for (let j = 0; j < width; j++) drawn[i * width + j] = factor * (tile.weights[label * width + j] as number)
  }
}

/** The first index up to which the values add up to more than this; the last one that has a share where rounding asks for more. */
function indexAt(values: Float32Array, sum: number): number {
  let [left, last] = [sum, 0]
  for (const [i, value] of values.entries()) {
    if (value <= 0) continue
    last = i
    left -= value
    if (left < 0) return i
  }
  return last
}

function subtracted({ sum }: Sums, row: Tensor, drawn: Float32Array, width: number): Float32Array {
  return drawn.map((value, i) => (row.data[i] as number) / (sum.data[Math.floor(i / width)] as number) - value)
}

/**
 * One tile of the vocabulary: `states` [positions, width], `head` [tile, width] and, under `…Before`, what the tiles before
 * gave. Beside the new sums it gives exp(logit − max) `exponentials` [positions, tile], their sum `tileSum` [positions, 1], and
 * where logits are capped their `slope` [positions, tile].
 */
function labelTileGraph({ embeddingSize: width, logitSoftcap, headBias }: ModelArchitecture): Uint8Array {
  const g = new GraphBuilder()
  const head = g.input('head', ['tile', width])
  const bias = headBias === undefined ? {} : { bias: g.input('headBias', ['tile']) }
  const raw = g.gemm(g.input('states', ['positions', width]), head, { transB: 1, ...bias })
  const logits = logitSoftcap === undefined ? raw : softcapped(g, raw, logitSoftcap)
  const before = (name: string, columns = 1): Value => g.input(`${name}Before`, ['positions', columns])
  const overTile = (operator: string, value: Value): Value => g.node(operator, [value, g.ints([1])], { keepdims: 1 })
  const maxBefore = before('max')
  const max = g.node('Max', [maxBefore, overTile('ReduceMax', logits)])
  const kept = g.node('Exp', [g.sub(maxBefore, max)])
  const exponentials = g.node('Exp', [g.sub(logits, max)])
  const tileSum = overTile('ReduceSum', exponentials)
  const slope = logitSoftcap === undefined ? undefined : capSlope(g, logits, logitSoftcap)
  const weighted = slope === undefined ? exponentials : g.mul(exponentials, slope)
  g.output('max', max, ['positions', 1])
  g.output('sum', g.add(g.mul(before('sum'), kept), tileSum), ['positions', 1])
  g.output('row', g.gemm(weighted, head, { bias: g.mul(before('row', width), kept) }), ['positions', width])
  g.output('exponentials', exponentials, ['positions', 'tile'])
  g.output('tileSum', tileSum, ['positions', 1])
  if (slope !== undefined) g.output('slope', slope, ['positions', 'tile'])
  return g.build()
}
