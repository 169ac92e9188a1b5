import type { RunEventDraft } from '../../shared/runEvents'
import type { RowsOfText } from '../../shared/runFolder'
import { PlainRunners } from '../base/outerLinears'
import { nextTokens } from '../calibration/nextTokens'
import type { TokenRows } from '../calibration/rows'
import { EVALUATED_POSITIONS, HeadRunner } from '../models/headRunner'
import { finalNormGraph } from '../models/modelGraphs'
import type { PackedUploads } from '../models/packedUploads'
import { ComparedLosses, type TilePlace, TokenLosses } from '../numerics/tokenLosses'
import type { PreparedRun } from '../prepare/preparedRun'
import type { HiddenStates } from './hiddenStates'
import { type Normed, NormedStates, type Part } from './normedStates'
import type { EvaluationStream, Streams } from './streams'

/** What is evaluated, and where. */
export interface Evaluated {
  readonly prepared: PreparedRun
  readonly streams: Streams
  /** To the device that computes. */
  readonly uploads: PackedUploads
  readonly signal: AbortSignal
}

/** What is gathered for every evaluation row: of full precision, and of all that is compared with it by subject. */
interface Gathered {
  readonly full: TokenLosses
  readonly quantizers: ReadonlyMap<string, ComparedLosses>
  readonly variants: ReadonlyMap<string, ComparedLosses>
}

interface ComparedStream {
  readonly stream: EvaluationStream
  readonly losses: ComparedLosses
}

/**
 * Losses of every evaluation text under every set of weights, and their divergence from full precision, from the hidden
 * states after the last block; summed over the tokens of each row. Targets are tokens 2 … of each row that count.
 *
 * The head is read once, tile by tile, for all streams; of the logits only one tile's are held, for EVALUATED_POSITIONS positions.
 */
export async function* evaluate(evaluated: Evaluated): AsyncGenerator<RunEventDraft, Record<string, RowsOfText>> {
  const { prepared, streams } = evaluated
  const targets = nextTokens(streams.evaluation)
  const gather = (found: Streams['variants']) =>
    new Map([...found].map(([subject]) => [subject, new ComparedLosses(targets.length)]))
  const gathered: Gathered = {
    full: new TokenLosses(targets.length),
    quantizers: gather(streams.quantized),
    variants: gather(streams.variants)
  }
  yield* readHead(evaluated, targets, gathered)
  return sumByRow(prepared, targets, gathered)
}

/** The pass over the head: tile by tile, the positions of a tile in parts, of each part full precision and then all else. */
async function* readHead(
  { prepared, streams, uploads, signal }: Evaluated,
  targets: Int32Array,
  gathered: Gathered
): AsyncGenerator<RunEventDraft, void> {
  const { architecture, weights } = prepared
  const full = streams.full as EvaluationStream
  const others: ComparedStream[] = [
    ...[...streams.quantized].map(([key, stream]) => ({ stream, losses: gathered.quantizers.get(key) })),
    ...[...streams.variants].map(([name, stream]) => ({ stream, losses: gathered.variants.get(name) }))
  ].map(({ stream, losses }) => ({ stream, losses: losses as ComparedLosses }))
  const head = await HeadRunner.create(architecture, weights, uploads)
  const norms = new PlainRunners(prepared, (form) => finalNormGraph(architecture, form))
  const states = new NormedStates(prepared, norms, streams.evaluation)
  const normed = <T>(stream: EvaluationStream, part: Part, work: (normed: Normed) => Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    return states.with(stream, part, work)
  }
  try {
    const tiles = head.tiles()
    const parts = partsWithTargets(targets, full.states)
    yield { type: 'phaseStarted', phase: 'evaluating', total: tiles.length, unit: 'vocabulary tiles' }
    for (const [i, [begin, end]] of tiles.entries()) {
      const rows = await head.readTile(begin, end)
      for (const [j, part] of parts.entries()) {
        const { first, last } = part
        const { local, ...place } = placeOf(targets.subarray(first, last), first, begin, end)
        const tile = await normed(full, part, (own) => head.computeFull(own, rows, local))
        const rescaling = gathered.full.add(tile, place)
        for (const { stream, losses } of others) {
          losses.add(await normed(stream, part, (own) => head.compare(tile, own, rows, local)), place, rescaling)
        }
        const done = i + (j + 1) / parts.length
        yield { type: 'phaseProgress', phase: 'evaluating', done, total: tiles.length }
      }
    }
  } finally {
    await states.release()
    await norms.release()
    await head.release()
  }
}

/** At most EVALUATED_POSITIONS positions of a batch each, without those in which nothing is predicted. */
function partsWithTargets(targets: Int32Array, states: HiddenStates): Part[] {
  const parts: Part[] = []
  for (let batch = 0; batch < states.batches; batch++) {
    const [begin, end] = states.positionsOf(batch)
    for (let first = begin; first < end; first += EVALUATED_POSITIONS) {
      parts.push({ batch, first, last: Math.min(end, first + EVALUATED_POSITIONS) })
    }
  }
  return parts.filter(({ first, last }) => targets.subarray(first, last).some((id) => id >= 0))
}

/** Where rows [begin, end) of the head lie to these targets, the first of which is that of position `first`. */
function placeOf(
  targets: Int32Array,
  first: number,
  begin: number,
  end: number
): TilePlace & { readonly local: Int32Array } {
  const holdsTarget = (i: number): boolean => {
    const id = targets[i] as number
    return id >= begin && id < end
  }
  return { first, begin, holdsTarget, local: targets.map((id) => Math.min(Math.max(id - begin, 0), end - begin - 1)) }
}

function sumByRow(
  prepared: PreparedRun,
  targets: Int32Array,
  { full, quantizers, variants }: Gathered
): Record<string, RowsOfText> {
  const result: Record<string, RowsOfText> = {}
  let first = 0
  for (const { name, rows } of prepared.evaluation) {
    const sums = new RowSums(targets, first, rows)
    const compared = (losses: ComparedLosses) => ({
      loss: sums.of((at) => losses.losses.loss(at)),
      klDivergence: sums.of((at) => losses.divergence(at, full)),
      sameTopToken: sums.of((at) => (losses.losses.best(at) === full.best(at) ? 1 : 0))
    })
    const ofQuantizers = new Map([...quantizers].map(([key, losses]) => [key, compared(losses)]))
    result[name] = {
      tokens: sums.of(() => 1),
      fullPrecision: { loss: sums.of((at) => full.loss(at)) },
      quantizers: Object.fromEntries(ofQuantizers),
      variants: Object.fromEntries(
        prepared.variants.map((variant) => {
          const own = variants.get(variant.name)
          // A variant that changes no output has no stream of its own: it is its quantizer's.
          return [
            variant.name,
            own ? compared(own) : (ofQuantizers.get(variant.quantizer) as ReturnType<typeof compared>)
          ]
        })
      )
    }
    first += rows.rows * rows.context
  }
  return result
}

/** Sums over the positions of each row that predict a token; `first` is the text's first position among all. */
class RowSums {
  constructor(
    private readonly targets: Int32Array,
    private readonly first: number,
    private readonly rows: TokenRows
  ) {}

  of(value: (position: number) => number): number[] {
    const { rows, context } = this.rows
    return Array.from({ length: rows }, (_, row) => {
      let sum = 0
      for (let i = 0; i < context; i++) {
        const at = this.first + row * context + i
        if ((this.targets[at] as number) >= 0) sum += value(at)
      }
      return sum
    })
  }
}
