import type { RunProof } from '../../shared/contract/proof'
import type { RunProgress } from '../../shared/contract/runs'
import { plural } from '../format/numbers'
import { formatDuration } from '../format/time'

type Progress = Pick<RunProgress, 'phase' | 'blocksDone' | 'blocks' | 'remainingMs'>
type Task = Pick<RunProof, 'evaluation' | 'variants'>

/** What is done, what is done now, and what comes next, in one sentence. */
export function progressSentence({ phase, blocksDone, blocks }: Progress, { evaluation, variants }: Task): string {
  const texts = plural(evaluation.length, 'text')
  const adapters = plural(variants.length, 'adapter')
  const then = evaluation.length > 0 ? `perplexity on ${texts}` : `writing ${adapters}`
  switch (phase) {
    case 'reading':
      return 'Reading the checkpoint and the texts; then the blocks, one after another.'
    case 'embedding':
      return `Embedding the texts; then ${plural(blocks, 'block')}.`
    case 'blocks': {
      if (blocksDone >= blocks) return `All ${plural(blocks, 'block')} done. Next ${then}.`
      const next = blocksDone + 1 < blocks ? `block ${blocksDone + 2}` : then
      return `${blocksDone} of ${plural(blocks, 'block')} done. Now block ${blocksDone + 1}, next ${next}.`
    }
    case 'refining':
      return `All ${plural(blocks, 'block')} done. Now refining against the whole model, next ${then}.`
    case 'evaluating':
      return `All ${plural(blocks, 'block')} done. Now perplexity on ${texts}, next writing ${adapters}.`
    case 'exporting':
      return `All ${plural(blocks, 'block')} done. Now writing ${adapters}.`
  }
}

/** `3 min 20 s to 4 min 05 s left`: as sure as the blocks of this session make it; nothing while they do not tell. */
export function timeLeft({ remainingMs }: Pick<Progress, 'remainingMs'>): string | undefined {
  if (remainingMs === null) return undefined
  const [low, high] = [formatDuration(remainingMs.low), formatDuration(remainingMs.high)]
  return low === high ? `about ${low} left` : `${low} to ${high} left`
}
