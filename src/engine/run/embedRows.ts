import type { RunEventDraft } from '../../shared/runEvents'
import { hasLinears, outerLinears } from '../base/outerLinears'
import { realTokens, type TokenRows } from '../calibration/rows'
import { EmbeddingRunner } from '../models/embeddingRunner'
import { embeddingGraph } from '../models/modelGraphs'
import type { PreparedRun } from '../prepare/preparedRun'
import type { HiddenStates } from './hiddenStates'
import type { RunContext } from './pass'
import { evaluationStreams, type Streams } from './streams'

/** Embeds rows: generation 0 of these streams. Streams of evaluation rows that begin alike are embedded together. */
export async function* embed(
  { prepared, streams, signal }: Pick<RunContext, 'prepared' | 'streams' | 'signal'>,
  wanted: readonly HiddenStates[]
): AsyncGenerator<RunEventDraft, void> {
  const { architecture, weights, recipe } = prepared
  const total = wanted.length
  yield { type: 'phaseStarted', phase: 'embedding', total, unit: 'sets of rows' }
  let done = 0
  for (const [quantizer, sets] of rowsToEmbed(prepared, streams, wanted)) {
    const outer = outerLinears(prepared, quantizer)
    const runner = await EmbeddingRunner.create(architecture, weights, recipe.context, recipe.device, outer)
    try {
      for (const { rows, alike } of sets) {
        await embedRows(runner, rows, alike, signal)
        done += alike.length
        yield { type: 'phaseProgress', phase: 'embedding', done, total }
      }
    } finally {
      await runner.release()
    }
  }
}

interface RowsToEmbed {
  readonly rows: TokenRows
  /** The streams that begin with them. */
  readonly alike: readonly HiddenStates[]
}

/** By the quantizer of a base; all under undefined, unless a linear before the first block is quantized. */
function rowsToEmbed(
  { architecture, recipe, calibration }: PreparedRun,
  streams: Streams,
  wanted: readonly HiddenStates[]
): Map<string | undefined, RowsToEmbed[]> {
  const graph = embeddingGraph(architecture, recipe.context)
  const byQuantizer = graph !== undefined && hasLinears(graph)
  const sets = new Map<string | undefined, RowsToEmbed[]>()
  if (wanted.includes(streams.calibration)) {
    sets.set(undefined, [{ rows: calibration, alike: [streams.calibration] }])
  }
  const rows = streams.evaluation
  const own = evaluationStreams(streams).filter(({ states }) => wanted.includes(states))
  for (const key of new Set(own.map(({ quantizer }) => (byQuantizer ? quantizer : undefined)))) {
    const alike = own.filter(({ quantizer }) => !byQuantizer || quantizer === key).map(({ states }) => states)
    sets.set(key, [...(sets.get(key) ?? []), { rows, alike }])
  }
  return sets
}

/** Embeds rows once and writes them to every one of these streams. */
async function embedRows(
  runner: EmbeddingRunner,
  rows: TokenRows,
  streams: readonly HiddenStates[],
  signal: AbortSignal
): Promise<void> {
  const [first] = streams
  if (first === undefined) return
  for (const states of streams) await states.begin(0)
  for (let batch = 0; batch < first.batches; batch++) {
    signal.throwIfAborted()
    const [begin, end] = first.rowsOf(batch)
    const ids = rows.ids.subarray(begin * rows.context, end * rows.context)
    const hidden = await runner.run(ids, realTokens(rows, begin, end))
    for (const states of streams) await states.write(batch, hidden)
  }
  for (const states of streams) await states.finish()
}
