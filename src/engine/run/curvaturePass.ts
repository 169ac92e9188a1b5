import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type JournalEntry, type MeasuredCurvature, RUN_FILES, type WrittenTensors } from '../../shared/runFolder'
import { CURVATURE_PREFIX, readCurvature, writeCurvature } from '../curvature/curvatureFiles'
import { measureCurvature } from '../curvature/measureCurvature'
import type { RankGains } from '../curvature/measureGains'
import { ranksOf } from '../curvature/variantRanks'
import type { OutputCurvature } from '../methods/outputCurvature'
import { asksForCurvature, hasRankBudget } from '../prepare/preparedRun'
import { isIntact } from './factorFiles'
import type { Events, Pass, RunContext } from './pass'
import { isWholeCurvature } from './wholeEntry'

/**
 * Once forward and once backward over the whole model: what errors at the outputs of every linear count, and the ranks of
 * variants with a rank budget.
 */
export const curvaturePass: Pass<MeasuredCurvature> = {
  name: 'curvature',
  blocks: (prepared) => (asksForCurvature(prepared) ? [0] : []),
  async *begin({ prepared, folder }) {
    const spool = join(folder, RUN_FILES.spool)
    for (const file of await readdir(spool)) {
      if (file.startsWith(CURVATURE_PREFIX)) await rm(join(spool, file), { force: true })
    }
    yield {
      type: 'phaseStarted',
      phase: 'weighing',
      total: 2 * prepared.architecture.blocks,
      unit: 'blocks, forward and backward'
    }
  },
  step,
  async *settle() {},
  async restore({ prepared, folder }, [entry]) {
    if (entry === undefined || !isWholeCurvature(prepared, entry)) return false
    for (const file of entry.files) if (!(await isIntact(folder, file))) return false
    return true
  }
}

async function* step(context: RunContext): Events<MeasuredCurvature> {
  const started = performance.now()
  const { prepared, folder } = context
  const total = 2 * prepared.architecture.blocks
  const files: WrittenTensors[] = []
  const blocks: RankGains[] = []
  const path = join(folder, RUN_FILES.spool, `${CURVATURE_PREFIX}states.tmp`)
  for await (const found of measureCurvature({ ...context, path, room: context.streams.room })) {
    if (typeof found === 'number') yield { type: 'phaseProgress', phase: 'weighing', done: found, total }
    else {
      files[found.block] = await writeCurvature(folder, found.block, found.linears)
      blocks[found.block] = found.gains
    }
  }
  const ranks = hasRankBudget(prepared) && { ranks: ranksOf(prepared, blocks) }
  return { pass: 'curvature', block: 0, files, ...ranks, durationMs: performance.now() - started }
}

const entryOf = (journal: readonly JournalEntry[]): MeasuredCurvature | undefined =>
  journal.find((entry): entry is MeasuredCurvature => entry.pass === 'curvature')

/** The rank of each linear of a variant with a rank budget, by path; undefined where the variant has none. */
export const chosenRanksOf = (journal: readonly JournalEntry[], variant: string): Record<string, number> | undefined =>
  entryOf(journal)?.ranks?.[variant]

const filesOf = (journal: readonly JournalEntry[]): readonly WrittenTensors[] => entryOf(journal)?.files ?? []

/** The files of the spool that the solving pass reads. */
export const curvatureFiles = (journal: readonly JournalEntry[]): ReadonlySet<string> =>
  new Set(filesOf(journal).map(({ file }) => file))

/** What was measured of a block's linears, by path; nothing where no method asked. */
export async function curvatureOf(
  { folder, journal }: RunContext,
  block: number
): Promise<ReadonlyMap<string, OutputCurvature>> {
  const file = filesOf(journal)[block]
  return file === undefined ? new Map() : readCurvature(folder, file)
}
