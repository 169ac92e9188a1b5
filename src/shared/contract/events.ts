import type { SerializedError } from '../errors'
import type { RunStatus } from '../runEvents'
import type { RunProgress } from './runs'

/*
 * What the window is told without asking. Facts are stored before their event is sent; a window that missed one asks
 * again and sees the same. Main shows some of them on the desktop too (task bar, notification).
 */

/**
 * `failed`: the process answers, but the database cannot be opened. `gaveUp`: it died so often that it is left alone.
 * `closing`: the app ends after the present block.
 */
export type EngineState = 'starting' | 'ready' | 'failed' | 'restarting' | 'gaveUp' | 'closing'

export type WindowEvent =
  /** A run's row or results changed; null: several. */
  | { readonly type: 'runs.changed'; readonly id: string | null }
  | { readonly type: 'run.progress'; readonly progress: RunProgress }
  /** A run ended; `sentence` says with what. */
  | {
      readonly type: 'run.finished'
      readonly id: string
      readonly title: string
      readonly status: RunStatus
      readonly sentence: string
      /** The sweep that it is a run of: `sweep.finished` tells of all of them at once. */
      readonly sweep?: string
    }
  /** None of a sweep's runs is worked on or waits any more; `sentence` says what became of them. */
  | {
      readonly type: 'sweep.finished'
      readonly id: string
      readonly name: string
      /** All of its runs are completed. */
      readonly complete: boolean
      readonly sentence: string
    }
  | {
      readonly type: 'queue.changed'
      readonly running: string | null
      readonly waiting: number
      /** No further run is begun until the queue is let go on. */
      readonly held: boolean
    }
  | { readonly type: 'sets.changed' }
  | { readonly type: 'models.changed' }
  | { readonly type: 'projects.changed' }
  /** What can be undone changed. */
  | { readonly type: 'deletions.changed' }
  | { readonly type: 'settings.changed' }
  | {
      readonly type: 'task.progress'
      readonly task: string
      readonly done: number
      readonly total: number | null
      readonly label: string
      /** Size of what the label names, where that says how long it may take. */
      readonly bytes?: number
    }
  | { readonly type: 'engine.state'; readonly state: EngineState; readonly error?: SerializedError }
  /** Main asks the page to go somewhere: menu, notification, a recipe opened from the file manager. */
  | { readonly type: 'navigate'; readonly to: string }
  | { readonly type: 'openPaths'; readonly paths: readonly string[] }
  | { readonly type: 'menu'; readonly action: 'palette' | 'shortcuts' | 'openRecipe' }

export type WindowEventType = WindowEvent['type']
export type WindowEventOf<T extends WindowEventType> = Extract<WindowEvent, { type: T }>
