import type { Perplexities, RunEventDraft } from '../../shared/runEvents'
import type { TokenRows } from '../calibration/rows'
import { concatRows } from '../calibration/rows'
import { type Feeds, GraphSession, TENSOR_LIMIT_BYTES } from '../graph/session'
import { finalNormGraph, vocabularyTileGraph } from '../models/modelGraphs'
import { TokenLosses } from '../numerics/tokenLosses'
import type { PreparedRun } from './prepareRun'
import type { EvaluationStream, Streams } from './streams'

/** Rows of the head that are multiplied at once: the logits of a batch then stay in memory that is used again. */
const MAX_TILE_ROWS = 2048

/**
 * Perplexity of every evaluation text under every set of weights, from the hidden states after the last block.
 *
 *     perplexity = exp(mean over targets of −log softmax(logits)[target]),  targets are tokens 2 … of each row
 *
 * The head is read once, tile by tile, for all streams; logits are never stored.
 */
export async function* evaluate(
  prepared: PreparedRun,
  streams: Streams,
  signal: AbortSignal
): AsyncGenerator<RunEventDraft, Record<string, Perplexities>> {
  const subjects = [streams.full, ...streams.quantized.values(), ...streams.variants.values()].filter(
    (stream): stream is EvaluationStream => stream !== undefined
  )
  const rows = concatRows(prepared.evaluation.map((text) => text.rows))
  const losses = new Map(subjects.map(({ subject }) => [subject, new TokenLosses(rows.ids.length)]))
  const head = await Head.create(prepared)
  const tiles = head.tiles()
  const total = tiles.length * subjects.length
  yield { type: 'phaseStarted', phase: 'evaluating', total, unit: 'vocabulary tiles' }
  for (const [i, [begin, end]] of tiles.entries()) {
    const weights = await head.read(begin, end)
    for (const [j, { subject, states }] of subjects.entries()) {
      for (let batch = 0; batch < states.batches; batch++) {
        signal.throwIfAborted()
        await head.add(
          await states.read(batch),
          weights,
          rows,
          states.rowsOf(batch),
          begin,
          losses.get(subject) as TokenLosses
        )
      }
      yield { type: 'phaseProgress', phase: 'evaluating', done: i * subjects.length + j + 1, total }
    }
  }
  await head.release()
  return perplexities(prepared, losses)
}

/** Final norm and head as compiled graphs. */
class Head {
  private constructor(
    private readonly prepared: PreparedRun,
    private readonly norm: GraphSession,
    private readonly normParameters: Feeds,
    private readonly tile: GraphSession
  ) {}

  static async create(prepared: PreparedRun): Promise<Head> {
    const { architecture, weights, recipe } = prepared
    const { model, parameters } = finalNormGraph(architecture)
    const feeds: Record<string, Feeds[string]> = {}
    for (const { name, shape } of parameters) feeds[name] = { data: await weights.read(name, shape), shape }
    const norm = await GraphSession.create(model, recipe.device)
    return new Head(prepared, norm, feeds, await GraphSession.create(vocabularyTileGraph(architecture), recipe.device))
  }

  /** Ranges of the vocabulary that are multiplied at once. */
  tiles(): [number, number][] {
    const { vocabularySize, hiddenSize } = this.prepared.architecture
    const fitting = Math.floor(TENSOR_LIMIT_BYTES / (4 * 4 * hiddenSize))
    const size = Math.max(1, Math.min(MAX_TILE_ROWS, fitting))
    return Array.from({ length: Math.ceil(vocabularySize / size) }, (_, i) => [
      i * size,
      Math.min(vocabularySize, (i + 1) * size)
    ])
  }

  read(begin: number, end: number): Promise<Float32Array> {
    return this.prepared.weights.readVocabularyRows(this.prepared.architecture.head, begin, end)
  }

  /** Adds one tile of the vocabulary to the losses of one batch of rows. */
  async add(
    hidden: Float32Array,
    weights: Float32Array,
    rows: TokenRows,
    [firstRow, endRow]: [number, number],
    tileBegin: number,
    losses: TokenLosses
  ): Promise<void> {
    const { hiddenSize } = this.prepared.architecture
    const tokens = hidden.length / hiddenSize
    const tileRows = weights.length / hiddenSize
    const states = { data: hidden, shape: [tokens, hiddenSize] }
    const { normed } = await this.norm.run({ ...this.normParameters, hidden: states })
    const targets = nextTokens(rows, firstRow, endRow)
    const outputs = await this.tile.run({
      normed: normed as Feeds[string],
      head: { data: weights, shape: [tileRows, hiddenSize] },
      targetIndex: { data: targets.map((id) => clamp(id - tileBegin, tileRows)), shape: [tokens, 1] }
    })
    const column = (name: string) => outputs[name]?.data as Float32Array
    const part = { max: column('max'), sum: column('sum'), target: column('target') }
    losses.add(firstRow * rows.context, part, (i) => {
      const id = targets[i] as number
      return id >= tileBegin && id < tileBegin + tileRows
    })
  }

  async release(): Promise<void> {
    await this.norm.release()
    await this.tile.release()
  }
}

/** The token that each position predicts; −1 where there is none (the last of a row, and pads). */
function nextTokens({ ids, lengths, context }: TokenRows, firstRow: number, endRow: number): Int32Array {
  const targets = new Int32Array((endRow - firstRow) * context).fill(-1)
  for (let row = firstRow; row < endRow; row++) {
    const predicted = ids.subarray(row * context + 1, row * context + (lengths[row] ?? 0))
    targets.set(predicted, (row - firstRow) * context)
  }
  return targets
}

const clamp = (index: number, size: number): number => Math.min(Math.max(index, 0), size - 1)

function perplexities(prepared: PreparedRun, losses: ReadonlyMap<string, TokenLosses>): Record<string, Perplexities> {
  const result: Record<string, Perplexities> = {}
  let firstRow = 0
  for (const { name, rows } of prepared.evaluation) {
    const targets = nextTokens(rows, 0, rows.rows)
    const tokens = targets.filter((id) => id >= 0).length
    const of = (subject: string): number => {
      const total = (losses.get(subject) as TokenLosses).total(firstRow * rows.context, targets)
      return Math.exp(total / tokens)
    }
    const quantizers = Object.fromEntries([...prepared.quantizers.keys()].map((key) => [key, of(key)]))
    const variants = Object.fromEntries(
      prepared.variants.map((variant) => [
        variant.name,
        of(losses.has(variant.name) ? variant.name : variant.quantizer)
      ])
    )
    const [first] = Object.values(quantizers)
    result[name] = { tokens, fullPrecision: of('full'), quantized: first as number, quantizers, variants }
    firstRow += rows.rows
  }
  return result
}
