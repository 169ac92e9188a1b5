import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RUN_FILES, type SolvedBlock } from '../../shared/runFolder'
import { blockStep } from './blockStep'
import { curvatureFiles } from './curvaturePass'
import { embed } from './embedRows'
import { isIntact } from './factorFiles'
import { assertBlockUnchanged } from './modelUnchanged'
import type { Pass, RunContext } from './pass'
import { restoreStreams, sweepSpool } from './streams'
import { isWholeBlock } from './wholeEntry'

/**
 * From the first block to the last: second moments, quantization, the factors of every variant, and the hidden states of
 * every stream behind the block.
 */
export const solvePass: Pass<SolvedBlock> = {
  name: 'solve',
  blocks: ({ architecture }) => Array.from({ length: architecture.blocks }, (_, block) => block),
  async *begin(context, finished) {
    const total = context.prepared.architecture.blocks
    if (finished === 0) {
      await clearSpool(context)
      yield* embed(context, context.streams.solved)
    }
    yield { type: 'phaseStarted', phase: 'blocks', total, unit: 'blocks' }
    if (finished > 0) yield { type: 'phaseProgress', phase: 'blocks', done: finished, total }
  },
  step: blockStep,
  async *settle({ prepared, streams }, { block, durationMs }) {
    for (const states of streams.solved) await states.dropPrevious()
    yield { type: 'blockFinished', block, total: prepared.architecture.blocks, durationMs }
  },
  async restore({ prepared, streams, folder }, entries) {
    const last = entries.at(-1)
    if (last === undefined) return false
    if (!entries.every((entry) => isWholeBlock(prepared, entry))) return false
    await assertBlockUnchanged(prepared, last)
    for (const entry of entries) if (!(await isIntact(folder, entry.factors))) return false
    if (!(await restoreStreams(streams.solved, last.spool))) return false
    await sweepSpool(join(folder, RUN_FILES.spool), streams.solved, last.spool)
    return true
  },
  async end({ experts, ahead, streams }) {
    streams.calibration.leaveDevice() // those that come back to them read them
    await ahead.release()
    experts.release()
  }
}

/** Removes what an earlier process left there. */
async function clearSpool({ folder, journal }: RunContext): Promise<void> {
  const kept = curvatureFiles(journal)
  for (const name of await readdir(join(folder, RUN_FILES.spool))) {
    const file = `${RUN_FILES.spool}/${name}`
    if (!kept.has(file)) await rm(join(folder, file), { force: true })
  }
}
