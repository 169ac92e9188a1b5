import type { QueueListener, RunEnd } from '../services/queueService'
import type { Run } from '../services/runService'
import { headlineSentences } from '../shared/headline'
import type { WorkbenchContext } from './context'

/** Tells the window what the queue does. */
export const queueListener = (emit: WorkbenchContext['emit']): QueueListener => ({
  onChange: (state) => emit({ type: 'queue.changed', ...state }),
  onProgress: (progress) => emit({ type: 'run.progress', progress }),
  onRunChanged: (id) => emit({ type: 'runs.changed', id }),
  onFinished: (run, outcome) =>
    emit({
      type: 'run.finished',
      id: run.id,
      title: run.name ?? run.id,
      status: outcome.status,
      sentence: sentenceOf(run, outcome),
      ...(run.record.sweep && { sweep: run.record.sweep.definition.id })
    })
})

/** With what a run ended: its error, or its headline. */
function sentenceOf({ variants }: Run, { error, perplexity }: RunEnd): string {
  if (error !== undefined) return error.message
  const sentences = headlineSentences({ perplexity, variants })
  return sentences.length === 0 ? `${variants.length} adapters were written.` : sentences.join('. ')
}
