import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { perplexitiesOf } from '../../src/engine/run/rowStatistics'
import { METHODS } from '../../src/shared/methods'
import { quantizerKey } from '../../src/shared/quantizerWords'
import { Recipe, variantNames } from '../../src/shared/recipe'
import type { LayerResult, Perplexities, RunEvent, VariantResult } from '../../src/shared/runEvents'
import type { RunOutcome, RunRecord } from '../../src/shared/runFolder'
import { closeStore, inTransaction, openStore } from '../../src/store/database'
import { appendEvents } from '../../src/store/runEvents'
import { finishRun, insertRun, setRunNotes, setRunTags } from '../../src/store/runs'
import type { Store } from '../../src/store/schema'
import { rowsWith } from './measured'

/*
 * Many stored runs for tests of lists and comparisons. Every row goes through the store's own functions; the figures are
 * those of one real run of the sample model (test/fixtures/runs/sample.json), moved a little for each run.
 */

interface RealResult {
  readonly perplexity: RunOutcome['perplexity']
  /** Layers of one variant, with the last block's histograms and channels as the engine reports them. */
  readonly layers: readonly LayerResult[]
}

const fixture = fileURLToPath(new URL('../fixtures/runs/sample.json', import.meta.url))
// The benchmarks bundle this file to another place; they start in the repository.
const readReal = (): RealResult =>
  JSON.parse(readFileSync(existsSync(fixture) ? fixture : resolve('test/fixtures/runs/sample.json'), 'utf8'))

const MODELS = ['sample/model', 'llama-3.2-1b', 'qwen2.5-0.5b', 'gemma-2-2b', 'pythia-160m']
const RANKS = [4, 8, 16, 32, 64]
const TAGS = ['baseline', 'sweep', 'paper', 'retry', 'long-context', 'keep']
const QUALITY: Readonly<Record<string, number>> = { zero: 0, svd: 0.25, diag: 0.35, quailora: 0.62, exact: 0.64 }
const DAY = 86_400_000

/** A small generator of numbers from 0 to 1, the same on every machine (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Id of the seeded run of this number, counted from 0; the newest has the highest. */
export const seededId = (index: number): string => `20260101-0000-seed-${String(index).padStart(4, '0')}`

/** Stores `count` finished runs of three variants each; returns their ids, the oldest first. */
export async function seedRuns(store: Store, count = 1000): Promise<string[]> {
  const real = readReal()
  const ids: string[] = []
  for (let from = 0; from < count; from += 50) {
    await inTransaction(store, async (trx) => {
      for (let i = from; i < Math.min(count, from + 50); i++) ids.push(await seedRun(trx, real, i))
    })
  }
  return ids
}

/** The same into the database of a QUAIL_HOME that nothing has open. */
export async function seedHome(home: string, count = 1000): Promise<string[]> {
  const store = await openStore(join(home, 'quail.db'))
  try {
    return await seedRuns(store, count)
  } finally {
    await closeStore(store)
  }
}

async function seedRun(store: Store, real: RealResult, index: number): Promise<string> {
  const random = generator(index + 1)
  const record = recordOf(index, random)
  const outcome = outcomeOf(real, record, random)
  await insertRun(store, record)
  await appendEvents(store, record.id, eventsOf(record, outcome))
  await finishRun(store, record.id, outcome)
  if (index % 3 === 0)
    await setRunTags(store, record.id, [TAGS[index % TAGS.length]!, TAGS[(index * 7 + 1) % TAGS.length]!])
  if (index % 10 === 0) await setRunNotes(store, record.id, `Run ${index} of the seeded ones.`)
  return record.id
}

function recordOf(index: number, random: () => number): RunRecord {
  const model = MODELS[index % MODELS.length]!
  const rank = RANKS[Math.floor(random() * RANKS.length)]!
  const first = Math.floor(random() * METHODS.length)
  const recipe = Recipe.parse({
    version: 1,
    name: `${model.replace('/', '-')} ${['law', 'code', 'chat', 'books'][index % 4]} ${index}`,
    model: `/models/${model}`,
    calibration: { files: ['/texts/calibration.txt'], rows: 32 << (index % 4) },
    evaluation: { files: ['/texts/sotu-evaluation.txt', '/texts/moby-evaluation.txt'] },
    context: index % 2 === 0 ? 256 : 512,
    seed: index % 7,
    variants: [0, 1, 2].map((i) => ({ method: METHODS[(first + i) % METHODS.length]!, rank, alpha: rank }))
  })
  const text = (name: string) => ({
    name,
    path: `/texts/${name}`,
    kind: 'text' as const,
    bytes: 100_000,
    sha256: digest(name)
  })
  return {
    version: 1,
    id: seededId(index),
    createdAtMs: Date.UTC(2026, 0, 1) + (index * DAY) / 8,
    quailVersion: '0.1.0',
    recipe,
    out: `/out/${seededId(index)}`,
    outIsAdapter: false,
    calibration: [text('calibration.txt')],
    evaluation: [text('sotu-evaluation.txt'), text('moby-evaluation.txt')]
  }
}

function outcomeOf(real: RealResult, record: RunRecord, random: () => number): RunOutcome {
  const level = 0.9 + 0.2 * random()
  const names = variantNames(record.recipe.variants)
  const reached = record.recipe.variants.map(
    ({ method, rank }) =>
      (QUALITY[method] ?? 0.5) * (0.7 + 0.25 * Math.log2(rank / 4 + 1)) * (0.95 + 0.1 * random()) * 0.75
  )
  const perplexity = Object.fromEntries(
    Object.entries(real.perplexity).map(
      ([text, { tokens, fullPrecision, quantizers: real }]): [string, Perplexities] => {
        const [quantized = Number.NaN] = Object.values(real)
        const [low, high] = [fullPrecision * level, quantized * level]
        const variants = names.map((name, i) => [name, high - (high - low) * Math.min(0.99, reached[i]!)])
        const quantizers = { [quantizerKey(record.recipe.variants[0]!.quantizer)]: high }
        const measured = { tokens, fullPrecision: low, quantizers, variants: Object.fromEntries(variants) }
        const bases = new Map(names.map((name, i) => [name, quantizerKey(record.recipe.variants[i]!.quantizer)]))
        return [text, perplexitiesOf(rowsWith(measured, record.id), bases)]
      }
    )
  )
  const variants = record.recipe.variants.map(
    ({ method, rank, quantizer }, i): VariantResult => ({
      name: names[i]!,
      method,
      rank,
      quantizer: quantizerKey(quantizer),
      adapter: join(record.out, names[i]!),
      layers: real.layers.map((layer) => movedLayer(layer, level, Math.min(0.99, reached[i]!)))
    })
  )
  const finishedAtMs = record.createdAtMs + 40_000 + 200_000 * random()
  return { version: 1, status: 'completed', finishedAtMs, perplexity, variants }
}

const movedLayer = (layer: LayerResult, level: number, removed: number): LayerResult => ({
  ...layer,
  lossRank0: layer.lossRank0 * level,
  loss: layer.lossRank0 * level * (1 - removed),
  lossBfloat16: layer.lossRank0 * level * (1 - removed * 0.999),
  eigenvalues: layer.eigenvalues.map((value) => value * level)
})

function eventsOf(record: RunRecord, outcome: RunOutcome): RunEvent[] {
  const first = { run: record.id, seq: 0, atMs: record.createdAtMs }
  const last = { run: record.id, seq: 1, atMs: outcome.finishedAtMs }
  return [
    { type: 'phaseStarted', phase: 'blocks', total: 4, unit: 'blocks', ...first },
    { type: 'finished', status: outcome.status, perplexity: outcome.perplexity, variants: outcome.variants, ...last }
  ]
}
