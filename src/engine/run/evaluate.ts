import type { Perplexities, RunEventDraft } from '../../shared/runEvents'
import type { TokenRows } from '../calibration/rows'
import { concatRows } from '../calibration/rows'
import { HeadRunner } from '../models/headRunner'
import { finalNormGraph } from '../models/modelGraphs'
import { TokenLosses } from '../numerics/tokenLosses'
import { PlainRunners } from './outerLinears'
import type { PreparedRun } from './prepareRun'
import { evaluationStreams, type Streams } from './streams'

/**
 * Perplexity of every evaluation text under every set of weights, from the hidden states after the last block.
 *
 *     perplexity = exp(mean over targets of −log softmax(logits)[target]),  targets are tokens 2 … of each row that count
 *
 * The head is read once, tile by tile, for all streams; logits are never stored.
 */
export async function* evaluate(
  prepared: PreparedRun,
  streams: Streams,
  signal: AbortSignal
): AsyncGenerator<RunEventDraft, Record<string, Perplexities>> {
  const subjects = evaluationStreams(streams)
  const rows = concatRows(prepared.evaluation.map((text) => text.rows))
  const losses = new Map(subjects.map(({ subject }) => [subject, new TokenLosses(rows.ids.length)]))
  const { architecture } = prepared
  const head = await HeadRunner.create(architecture, prepared.weights, prepared.recipe.device)
  const norms = new PlainRunners(prepared, finalNormGraph(architecture))
  try {
    const tiles = head.tiles()
    const total = tiles.length * subjects.length
    yield { type: 'phaseStarted', phase: 'evaluating', total, unit: 'vocabulary tiles' }
    for (const [i, [begin, end]] of tiles.entries()) {
      const tile = { begin, rows: end - begin, weights: await head.readTile(begin, end) }
      for (const [j, { subject, quantizer, states }] of subjects.entries()) {
        const norm = await norms.of(quantizer)
        for (let batch = 0; batch < states.batches; batch++) {
          signal.throwIfAborted()
          const normed = await norm.run('hidden', await states.read(batch), architecture.hiddenSize)
          await addTile(head, tile, normed, rows, states.rowsOf(batch), losses.get(subject) as TokenLosses)
        }
        yield { type: 'phaseProgress', phase: 'evaluating', done: i * subjects.length + j + 1, total }
      }
    }
  } finally {
    await norms.release()
    await head.release()
  }
  return perplexities(prepared, losses)
}

/** Adds one tile of the vocabulary to the losses of one batch of rows. */
async function addTile(
  head: HeadRunner,
  tile: { readonly begin: number; readonly weights: Float32Array; readonly rows: number },
  normed: Float32Array,
  rows: TokenRows,
  [firstRow, endRow]: [number, number],
  losses: TokenLosses
): Promise<void> {
  const targets = nextTokens(rows, firstRow, endRow)
  const local = targets.map((id) => clamp(id - tile.begin, tile.rows))
  const part = await head.compute(normed, tile.weights, local)
  losses.add(firstRow * rows.context, part, (i) => {
    const id = targets[i] as number
    return id >= tile.begin && id < tile.begin + tile.rows
  })
}

/** The token that each position predicts; −1 where none counts: before a pad or a prompt, and at the end of a row. */
function nextTokens({ ids, counted, context }: TokenRows, firstRow: number, endRow: number): Int32Array {
  const targets = new Int32Array((endRow - firstRow) * context).fill(-1)
  for (let i = 0; i < targets.length; i++) {
    const next = firstRow * context + i + 1
    if (next % context !== 0 && counted[next] === 1) targets[i] = ids[next] as number
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
    result[name] = { tokens, fullPrecision: of('full'), quantizers, variants }
    firstRow += rows.rows
  }
  return result
}
