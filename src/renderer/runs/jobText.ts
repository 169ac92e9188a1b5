import type { RunProgress } from '../../shared/contract/runs'
import { formatBytes, formatCount, formatPercent, plural } from '../format/numbers'
import { timeLeft } from './progressText'

/** What is done now: `block 3 of 30`. */
export function phaseText({ phase, blocksDone, blocks, done, total, refining }: RunProgress): string {
  switch (phase) {
    case 'reading':
      return 'Reading checkpoint and texts'
    case 'weighing':
      return weighingText(done, total / 2)
    case 'embedding':
      return 'Embedding the texts'
    case 'blocks':
      return `Block ${Math.min(blocksDone + 1, blocks)} of ${blocks}`
    case 'choosing':
      return 'Asking held-out rows'
    case 'refining':
      return refining === null
        ? 'Running the texts through what was refined'
        : `Refining ${refining.variant}, step ${refining.step} of ${refining.steps}`
    case 'evaluating':
      return `Measuring perplexity, ${formatPercent(done / Math.max(1, total), 0)}`
    case 'exporting':
      return `Writing ${plural(total, 'adapter')}`
  }
}

/** Weighing goes over all blocks twice: `Weighing outputs, backward, block 3 of 30`. */
function weighingText(done: number, blocks: number): string {
  const [way, before] = done < blocks ? ['forward', done] : ['backward', done - blocks]
  return `Weighing outputs, ${way}, block ${Math.min(Math.floor(before) + 1, blocks)} of ${blocks}`
}

/** Time left, throughput and memory, as far as they are known. */
export function jobFigures(progress: RunProgress): string[] {
  const { tokensPerSecond, memoryBytes } = progress
  return [
    timeLeft(progress),
    tokensPerSecond === null ? undefined : `${formatCount(Math.round(tokensPerSecond))} tokens/s`,
    `${formatBytes(memoryBytes)} memory`
  ].filter((figure) => figure !== undefined)
}
