import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { MethodName } from '../src/shared/methods'
import { Recipe } from '../src/shared/recipe'
import type { Refinement } from '../src/shared/refinement'
import type { ResolvedText, RunRecord } from '../src/shared/runFolder'

export const CALIBRATION_TEXT = 'resources/sample/text/sotu-calibration.txt'
const EVALUATION_TEXT = 'resources/sample/text/sotu-evaluation.txt'

export interface RunSizes {
  readonly model: string
  readonly context: number
  readonly calibrationRows: number
  readonly evaluationRows: number
  readonly rank: number
  /** One variant of each; `quailora` where none is named. */
  readonly methods?: readonly MethodName[]
  readonly memoryBudget?: number
  /** How the variant is refined; left out: not at all. */
  readonly refine?: Pick<Refinement, 'steps' | 'batch'>
}

/** The record of a run on the sample's texts, for a run folder. */
export async function benchRecord(folder: string, sizes: RunSizes): Promise<RunRecord> {
  const { methods = ['quailora'] } = sizes
  const recipe = Recipe.parse({
    version: 1,
    model: sizes.model,
    calibration: { files: [CALIBRATION_TEXT], rows: sizes.calibrationRows },
    evaluation: { files: [EVALUATION_TEXT], rows: sizes.evaluationRows },
    context: sizes.context,
    variants: methods.map((method) => ({ method, rank: sizes.rank, ...(sizes.refine && { refine: sizes.refine }) })),
    ...(sizes.memoryBudget && { memoryBudget: sizes.memoryBudget })
  })
  return {
    version: 1,
    id: basename(folder),
    createdAtMs: Date.now(),
    quailVersion: 'bench',
    recipe,
    out: resolve(folder, 'out'),
    outIsAdapter: methods.length === 1,
    calibration: [await resolvedText(CALIBRATION_TEXT)],
    evaluation: [await resolvedText(EVALUATION_TEXT)]
  }
}

async function resolvedText(path: string): Promise<ResolvedText> {
  const bytes = await readFile(path)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name: basename(path), path: resolve(path), kind: 'text', bytes: bytes.length, sha256 }
}
