import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Recipe } from '../../src/shared/recipe'
import { keptOf, type RefinementResult } from '../../src/shared/refinement'
import type { LayerResult, RunEvent, RunEventDraft, VariantResult } from '../../src/shared/runEvents'
import {
  type JournalEntry,
  type RefinedSteps,
  RUN_FILES,
  type RunOutcome,
  type RunRecord,
  type SolvedBlock
} from '../../src/shared/runFolder'
import { closeStore, openStore } from '../../src/store/database'
import type { Store } from '../../src/store/schema'

/** A directory that goes with the test. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'quail-store-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  return home
}

/** A store on a real file, closed after the test. */
export async function temporaryStore(home: string = temporaryHome()): Promise<Store> {
  const store = await openStore(join(home, 'quail.db'))
  onTestFinished(() => closeStore(store))
  return store
}

export const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

/** A run of two variants on two texts. */
export function runRecord(id: string, changes: Partial<RunRecord> = {}): RunRecord {
  const recipe = Recipe.parse({
    version: 1,
    name: 'law',
    model: '/models/small',
    calibration: { files: ['/texts/calibration.txt'] },
    evaluation: { files: ['/texts/evaluation.txt'] },
    variants: [
      { method: 'svd', rank: 8 },
      { method: 'quailora', rank: 8 }
    ]
  })
  const text = (name: string) => ({
    name,
    path: `/texts/${name}`,
    kind: 'text' as const,
    bytes: 7,
    sha256: sha256(name)
  })
  return {
    version: 1,
    id,
    createdAtMs: 1_700_000_000_000,
    quailVersion: '0.1.0',
    recipe,
    out: `/out/${id}`,
    outIsAdapter: false,
    calibration: [text('calibration.txt')],
    evaluation: [text('evaluation.txt')],
    ...changes
  }
}

/** A proof whose numbers need all their digits: thirds and the like. */
export const layerResult = (name: string, seed = 1): LayerResult => ({
  name,
  shape: [48, 32],
  lossRank0: seed / 3,
  loss: seed / 7,
  lossBfloat16: seed / 6.9,
  certificate: 0.1 + 0.2,
  frobeniusRank0: 1e-300 * seed,
  frobenius: 5e-324,
  weightNorm: 12.000000000000002,
  outputEnergy: 1.7976931348623157e308,
  eigenvalues: [seed / 3, seed / 9, 0]
})

const LAYERS = ['model.layers.0.self_attn.q_proj', 'model.layers.0.mlp.up_proj', 'model.layers.1.self_attn.q_proj']
const blockOf = (layer: string): number => Number(layer.split('.')[2])

/** How the run of `runRecord` ended: its adapters lie below `out`. */
export function runOutcome(record: RunRecord): RunOutcome {
  const variants: VariantResult[] = ['svd', 'quailora'].map((method, seed) => ({
    name: `${method}-r8`,
    method,
    rank: 8,
    quantizer: 'nf4-b64-dq',
    adapter: join(record.out, `${method}-r8`),
    layers: LAYERS.map((name, index) => layerResult(name, 10 * seed + index + 1))
  }))
  const perplexity = {
    'evaluation.txt': {
      tokens: 255,
      fullPrecision: 20 / 3,
      quantizers: { 'nf4-b64-dq': 7.25 },
      variants: { 'svd-r8': 7.1, 'quailora-r8': 6.9 }
    }
  }
  return { version: 1, status: 'completed', finishedAtMs: record.createdAtMs + 5000, perplexity, variants }
}

/** The journal that leads to an outcome. */
export function journalOf(outcome: RunOutcome): SolvedBlock[] {
  return [...new Set(LAYERS.map(blockOf))].map((block) => ({
    pass: 'solve',
    block,
    factors: { file: `factors/${block}.safetensors`, sha256: sha256(`${block}`) },
    spool: [],
    fingerprints: {},
    results: LAYERS.filter((layer) => blockOf(layer) === block).flatMap((layer) => resultsOf(outcome, layer)),
    durationMs: 12.5
  }))
}

const resultsOf = (outcome: RunOutcome, layer: string) =>
  outcome.variants.map(({ name, layers }) => ({ variant: name, result: layers.find((l) => l.name === layer)! }))

/** A refinement of 48 steps after so many of its checks, six steps each; its numbers need all their digits. */
export function refinementResult(checks: number): RefinementResult {
  const curve = Array.from({ length: checks + 1 }, (_, i) => ({ steps: 6 * i, divergence: 0.01 / (3 + i) }))
  const quantized = 0.025 / 3
  return {
    ...{ steps: 48, batch: 4, learningRate: 0.1 + 0.2, rows: 56, heldOutRows: 8, heldOutTokens: 2040 },
    ...{ quantized, curve, kept: keptOf(quantized, curve) }
  }
}

/** The entry of the journal after so many checks. */
export const refinedSteps = (variant: string, checks: number): RefinedSteps => ({
  pass: 'refine',
  block: checks,
  variant,
  result: refinementResult(checks),
  factors: { file: `factors/refined-${variant}-${6 * checks}.safetensors`, sha256: sha256(variant) },
  durationMs: 7.5
})

export interface WrittenAdapter {
  readonly bytes: number
  readonly sha256: string
}

/** Everything that a process reports of a run that ends with this outcome. */
export function eventsOf(record: RunRecord, outcome: RunOutcome, adapter: WrittenAdapter): RunEvent[] {
  const drafts: RunEventDraft[] = [
    { type: 'phaseStarted', phase: 'blocks', total: 2, unit: 'blocks' },
    ...LAYERS.map((layer) => ({
      type: 'layerFinished' as const,
      block: blockOf(layer),
      layer,
      results: resultsOf(outcome, layer)
    })),
    ...outcome.variants.map(({ name, adapter: path }) => ({
      type: 'artifactWritten' as const,
      variant: name,
      path,
      ...adapter
    })),
    { type: 'finished', status: outcome.status, perplexity: outcome.perplexity, variants: outcome.variants }
  ]
  return drafts.map((draft, seq) => ({ ...draft, run: record.id, seq, atMs: record.createdAtMs + seq }))
}

/** Writes `runs/<id>/` as the engine leaves it; without an outcome, as a killed process leaves it. */
export function writeRunFolder(
  runs: string,
  record: RunRecord,
  journal: readonly JournalEntry[],
  outcome?: RunOutcome
): string {
  const folder = join(runs, record.id)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, RUN_FILES.record), JSON.stringify(record))
  writeFileSync(join(folder, RUN_FILES.journal), journal.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  if (outcome !== undefined) writeFileSync(join(folder, RUN_FILES.outcome), JSON.stringify(outcome, null, 2))
  return folder
}
