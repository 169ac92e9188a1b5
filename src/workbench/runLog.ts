import type { RunLogEntry } from '../shared/contract/runs'
import { enoughRowsSentence } from '../shared/enoughRows'
import { plural } from '../shared/plural'
import { refiningSentence } from '../shared/refinementWords'
import type { Perplexities, RunEvent } from '../shared/runEvents'
import { STATUS_WORDS, warningWord } from '../shared/runWords'
import type { StoredEvent } from '../store/runEvents'

/** A stored event as a line of the log; progress within a phase has no text. */
export const logEntry = ({ position, attempt, event }: StoredEvent): RunLogEntry => ({
  position,
  attempt,
  atMs: event.atMs,
  type: event.type,
  text: textOf(event)
})

function textOf(event: RunEvent): string {
  switch (event.type) {
    case 'planned':
      return `planned: ${plural(event.blocks, 'block')}, ${plural(event.linears, 'linear')}, ${plural(event.calibrationTokens, 'calibration token')}, ${event.variants.length === 1 ? 'variant' : 'variants'} ${event.variants.join(', ')}${event.resumedBlocks > 0 ? `; ${finishedBefore(event.resumedBlocks)}` : ''}${event.moments === undefined ? '' : `; second moments ${event.moments.state}`}${event.enoughRows === undefined ? '' : `; ${enoughRowsSentence(event.enoughRows)}`}`
    case 'phaseStarted':
      return `${event.phase}: ${counted(event.total, event.unit)}`
    case 'phaseProgress':
      return ''
    case 'layerFinished':
      return `${event.layer}: ${plural(event.results.length, 'variant')} solved`
    case 'blockFinished':
      return `block ${event.block + 1} of ${event.total} finished in ${(event.durationMs / 1000).toFixed(1)} s`
    case 'refined':
      return `${event.variant}: ${refiningSentence(event.result)}`
    case 'evaluated':
      return `${event.file}: perplexity ${event.perplexity.fullPrecision.toFixed(4)} in full precision, ${quantizedText(event.perplexity)}`
    case 'artifactWritten':
      return `wrote ${event.path} (${plural(event.bytes, 'byte')}, sha256 ${event.sha256})`
    case 'warning':
      return `${warningWord(event)}: ${event.message}`
    case 'finished':
      return event.error === undefined || event.status === 'cancelled'
        ? STATUS_WORDS[event.status]
        : `${STATUS_WORDS[event.status]}: ${event.error.message}`
    default:
      return ''
  }
}

const finishedBefore = (blocks: number): string =>
  `${plural(blocks, 'block')} ${blocks === 1 ? 'was' : 'were'} finished before`

/** `4 blocks`, `1 set of rows`: events name units by their plural. */
const counted = (count: number, unit: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? unit.replace(/s\b/, '') : unit}`

const quantizedText = ({ quantizers }: Perplexities): string =>
  Object.entries(quantizers)
    .map(([key, value]) => `${value.toFixed(4)} as ${key}`)
    .join(', ')
