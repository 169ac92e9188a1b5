import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { executeRun } from '../../src/engine/run/executeRun'
import type { MomentStore } from '../../src/shared/keptMoments'
import { Recipe } from '../../src/shared/recipe'
import type { FinishedEvent, RunEventDraft } from '../../src/shared/runEvents'
import type { ResolvedText, RunRecord } from '../../src/shared/runFolder'
import { narrowModel } from './narrowModel'
import { sampleText } from './paths'

/** A text of a run, as the recipe names it once its files were looked at. */
export const resolveText = (path: string, kind: ResolvedText['kind'] = 'text'): ResolvedText => ({
  name: basename(path),
  path,
  kind,
  bytes: statSync(path).size,
  sha256: createHash('sha256').update(readFileSync(path)).digest('hex')
})

export interface TestRun {
  readonly folder: string
  readonly record: RunRecord
}

/** A run in a folder of its own; by default so short, and of a model so narrow, that it takes a second. */
export function makeRun(changes: Partial<Record<keyof Recipe, unknown>> = {}): TestRun {
  const root = mkdtempSync(join(tmpdir(), 'quail-run-'))
  const folder = join(root, 'run')
  mkdirSync(folder)
  const recipe = Recipe.parse({
    version: 1,
    model: narrowModel,
    calibration: { files: [sampleText('moby-evaluation.txt')], rows: 8 },
    evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 4 },
    context: 64,
    variants: [{ method: 'quailora', rank: 8 }],
    ...changes
  })
  return {
    folder,
    record: {
      version: 1,
      id: 'test',
      createdAtMs: 0,
      quailVersion: '0.0.0',
      recipe,
      out: join(root, 'out'),
      outIsAdapter: false,
      calibration: (recipe.calibration.files ?? []).map((path) => resolveText(path)),
      evaluation: (recipe.evaluation?.files ?? []).map((path) => resolveText(path))
    }
  }
}

/** Executes to the end, or until `stopAfter` asks for a cancel; returns every event. */
export async function runToEnd(
  { folder, record }: TestRun,
  stopAfter: (event: RunEventDraft) => boolean = () => false,
  solverUrl?: URL,
  moments?: MomentStore
): Promise<RunEventDraft[]> {
  const controller = new AbortController()
  const events: RunEventDraft[] = []
  for await (const event of executeRun(folder, record, controller.signal, solverUrl, moments)) {
    events.push(event)
    if (stopAfter(event)) controller.abort()
  }
  return events
}

/** A run with these changes, executed to its end. */
export async function toEnd(changes: Parameters<typeof makeRun>[0]) {
  const run = makeRun(changes)
  const events = await runToEnd(run)
  return { run, events, finished: finishedOf(events) }
}

/** Whether an event says that a phase has come so far. */
export const isProgress = (event: RunEventDraft, phase: string, least = 0): boolean =>
  event.type === 'phaseProgress' && event.phase === phase && event.done >= least

/** A run that is stopped in the middle and then executed to its end: the run, and the events of its second execution. */
export async function stoppedAndFinished(
  changes: Parameters<typeof makeRun>[0],
  stopAfter: (event: RunEventDraft) => boolean
): Promise<{ readonly run: TestRun; readonly second: RunEventDraft[] }> {
  const run = makeRun(changes)
  const first = await runToEnd(run, stopAfter)
  const { status } = finishedOf(first)
  if (status !== 'cancelled' || !first.some(stopAfter)) throw new Error(`it was to be stopped, and is ${status}`)
  return { run, second: await runToEnd(run) }
}

export const finishedOf = (events: readonly RunEventDraft[]): Omit<FinishedEvent, 'run' | 'seq' | 'atMs'> => {
  const last = events.at(-1)
  if (last?.type !== 'finished') throw new Error('the last event is not `finished`')
  return last
}

/** SHA-256 of each file of each adapter, by variant and name. */
export function adapterDigests({ record }: TestRun, variants: readonly string[]): Record<string, string> {
  const files = ['adapter_model.safetensors', 'adapter_config.json', 'quail.json', 'README.md']
  return Object.fromEntries(
    variants.flatMap((variant) =>
      files.map((file) => [
        `${variant}/${file}`,
        createHash('sha256')
          .update(readFileSync(join(record.out, variant, file)))
          .digest('hex')
      ])
    )
  )
}
