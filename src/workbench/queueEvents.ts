import type { QueueListener, RunEnd } from '../services/queueService'
import type { Run } from '../services/runService'
import { getSweep } from '../services/sweep/sweepQueries'
import { headlineSentences } from '../shared/headline'
import { plural } from '../shared/plural'
import { runsSentence } from '../shared/sweep/results'
import type { WorkbenchContext } from './context'

/** Tells the window what the queue does. */
export const queueListener = ({ services, emit }: Pick<WorkbenchContext, 'services' | 'emit'>): QueueListener => ({
  onChange: (state) => emit({ type: 'queue.changed', ...state }),
  onProgress: (progress) => emit({ type: 'run.progress', progress }),
  onRunChanged: (id) => emit({ type: 'runs.changed', id }),
  onFinished(run, outcome) {
    const sweep = run.record.sweep?.definition.id
    emit({
      type: 'run.finished',
      id: run.id,
      title: run.name ?? run.id,
      status: outcome.status,
      sentence: sentenceOf(run, outcome),
      ...(sweep !== undefined && { sweep })
    })
    // Of a sweep whose runs do not belong together its page says why.
    if (sweep !== undefined) void tellOfSweep({ services, emit }, sweep).catch(() => undefined)
  }
})

/** Tells of a sweep once nothing of it is left to do: of thirty runs, the end of each by itself is no news. */
async function tellOfSweep(
  { services, emit }: Pick<WorkbenchContext, 'services' | 'emit'>,
  sweep: string
): Promise<void> {
  const found = await getSweep(services, sweep)
  if (found.runs.some(({ status }) => status === 'queued' || status === 'running')) return
  const { definition, completed, total } = found
  const complete = completed === total
  emit({ type: 'sweep.finished', id: sweep, name: definition.name, complete, sentence: runsSentence(found) })
}

/** With what a run ended: its error, or its headline. */
function sentenceOf({ variants }: Run, { error, perplexity }: RunEnd): string {
  if (error !== undefined) return error.message
  const sentences = headlineSentences({ perplexity, variants })
  if (sentences.length > 0) return sentences.join('. ')
  return `${plural(variants.length, 'adapter')} ${variants.length === 1 ? 'was' : 'were'} written.`
}
