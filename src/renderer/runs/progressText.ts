import type { RunProof } from '../../shared/contract/proof'
import type { RefiningProgress, RunProgress } from '../../shared/contract/runs'
import { changeText } from '../../shared/refinementWords'
import { plural } from '../format/numbers'
import { formatRough } from '../format/time'

type Progress = Pick<RunProgress, 'phase' | 'blocksDone' | 'blocks' | 'remainingMs' | 'refining'>
type Task = Pick<RunProof, 'evaluation' | 'variants' | 'planned'>

/** What is done of a run of which nothing else is known here; it begins by finding out how many blocks there are. */
export const doneSentence = (blocksDone: number, blocks: number): string =>
  blocks === 0
    ? 'Begun; the checkpoint and the texts are read first.'
    : `${blocksDone} of ${plural(blocks, 'block')} done.`

/** What is done, what is done now, and what comes next, in one sentence. */
export function progressSentence(
  { phase, blocksDone, blocks, refining }: Progress,
  { evaluation, variants, planned }: Task
): string {
  const texts = plural(evaluation.length, 'text')
  const adapters = plural(variants.length, 'adapter')
  const then = evaluation.length > 0 ? `perplexity on ${texts}` : `writing ${adapters}`
  const refinements = planned?.refinements ?? []
  const afterBlocks = refinements[0] === undefined ? then : `refining ${refinements[0].variant}`
  switch (phase) {
    case 'reading':
      return 'Reading the checkpoint and the texts; then the blocks, one after another.'
    case 'weighing':
      return `Weighing the outputs of every layer, once forward and once backward over ${plural(blocks, 'block')}; then embedding the texts.`
    case 'embedding':
      return `Embedding the texts; then ${plural(blocks, 'block')}.`
    case 'blocks': {
      if (blocksDone >= blocks) return `All ${plural(blocks, 'block')} done. Next ${afterBlocks}.`
      const next = blocksDone + 1 < blocks ? `block ${blocksDone + 2}` : afterBlocks
      return `${blocksDone} of ${plural(blocks, 'block')} done. Now block ${blocksDone + 1}, next ${next}.`
    }
    case 'choosing':
      return `All ${plural(blocks, 'block')} done. Now held-out rows tell what is kept, next ${afterBlocks}.`
    case 'refining':
      if (refining === null)
        return `All ${plural(blocks, 'block')} done. Now the texts go through what was refined, next ${then}.`
      return `All ${plural(blocks, 'block')} done. Now refining ${refiningText(refining)}, next ${afterRefining(refining, refinements) ?? then}.`
    case 'evaluating':
      return `All ${plural(blocks, 'block')} done. Now perplexity on ${texts}, next writing ${adapters}.`
    case 'exporting':
      return `All ${plural(blocks, 'block')} done. Now writing ${adapters}.`
  }
}

/** `exact-r16-refined, step 13 of 48, held-out KL 0.00330 → 0.00300 (−9 %)`: the least of the held-out rows so far. */
function refiningText({ variant, step, steps, start, least }: RefiningProgress): string {
  const reached = least === null ? '' : `, held-out KL ${changeText(start, least)}`
  return `${variant}, step ${step} of ${steps}${reached}`
}

function afterRefining({ variant }: RefiningProgress, refinements: readonly { readonly variant: string }[]) {
  return refinements[refinements.findIndex((one) => one.variant === variant) + 1]?.variant
}

/** `3 min 20 s to 4 min left`: as sure as the blocks of this session make it; nothing while they do not tell. */
export function timeLeft({ remainingMs }: Pick<Progress, 'remainingMs'>): string | undefined {
  if (remainingMs === null) return undefined
  const [low, high] = [formatRough(remainingMs.low), formatRough(remainingMs.high)]
  return low === high ? `about ${low} left` : `${low} to ${high} left`
}
