import type { RunProgress } from '../../shared/contract/runs'
import { formatBytes, formatCount, formatPercent, plural } from '../format/numbers'
import { timeLeft } from './progressText'

/** What is done now: `block 3 of 30`. */
export function phaseText({ phase, blocksDone, blocks, done, total, refining }: RunProgress): string {
  switch (phase) {
    case 'reading':
      return 'Reading checkpoint and texts'
    case 'weighing':
      return `Weighing outputs, block ${Math.min(Math.floor(done) + 1, total)} of ${total}`
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

/** Time left, throughput and memory, as far as they are known. */
export function jobFigures(progress: RunProgress): string[] {
  const { tokensPerSecond, memoryBytes } = progress
  return [
    timeLeft(progress),
    tokensPerSecond === null ? undefined : `${formatCount(Math.round(tokensPerSecond))} tokens/s`,
    `${formatBytes(memoryBytes)} memory`
  ].filter((figure) => figure !== undefined)
}
