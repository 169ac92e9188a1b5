import { join } from 'node:path'
import { type EvaluatedModel, type RowLosses, RUN_FILES } from '../../shared/runFolder'
import { sha256File, writeFileAtomic } from '../formats/files'
import { evaluate } from './evaluate'
import type { Pass } from './pass'

/** Final norm and head over the evaluation rows under every set of weights; the sums of each row stay in rows.json. */
export const evaluatePass: Pass<EvaluatedModel> = {
  name: 'evaluate',
  blocks: ({ architecture, evaluation }) => (evaluation.length === 0 ? [] : [architecture.blocks]),
  async *begin() {},
  async *step({ folder, prepared, streams, runner, signal }, block) {
    const started = performance.now()
    const texts = yield* evaluate({ prepared, streams, uploads: runner.uploads, signal })
    const rows: RowLosses = { version: 1, texts }
    const path = join(folder, RUN_FILES.rows)
    await writeFileAtomic(path, `${JSON.stringify(rows)}\n`)
    return { pass: 'evaluate', block, rows: await sha256File(path), durationMs: performance.now() - started }
  },
  async *settle() {},
  restore: async ({ folder }, [entry]) =>
    (await sha256File(join(folder, RUN_FILES.rows)).catch(() => undefined)) === entry?.rows
}
