import type { QueueListener } from '../services/queueService'
import { bestResult, percentOf } from './bestResult'
import type { WorkbenchContext } from './context'

/** Tells the window what the queue does. */
export const queueListener = (emit: WorkbenchContext['emit']): QueueListener => ({
  onChange: (state) => emit({ type: 'queue.changed', ...state }),
  onProgress: (progress) => emit({ type: 'run.progress', progress }),
  onRunChanged: (id) => emit({ type: 'runs.changed', id }),
  onFinished(run, { status, error }) {
    const best = bestResult(run.perplexity)
    const sentence =
      error?.message ??
      (best === null
        ? `${run.variants.length} adapters were written.`
        : `${best.variant} closes ${percentOf(best)} of the gap on ${best.text}.`)
    emit({ type: 'run.finished', id: run.id, title: run.name ?? run.id, status, sentence })
  }
})
