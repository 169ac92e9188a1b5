import { QueryCache, QueryClient } from '@tanstack/react-query'
import type { WindowEvent, WindowEventType } from '../../shared/contract/events'
import { AppError } from '../../shared/errors'

/** What was answered stays when a later question fails for a while, but not when what it asks for is there no more. */
const queryCache = new QueryCache({
  onError: (error, query) => {
    const gone = error instanceof AppError && error.code === 'BAD_INPUT'
    if (gone && query.state.data !== undefined) query.setState({ data: undefined, dataUpdatedAt: 0 })
  }
})

/** Answers stay valid until an event says otherwise: nothing changes behind the window's back without one. */
export const queryClient = new QueryClient({
  queryCache,
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      // The engine process may be starting again; anything else would fail a second time too.
      retry: (count, error) => error instanceof AppError && error.code === 'INTERNAL' && count < 2,
      retryDelay: 500,
      networkMode: 'always',
      refetchOnWindowFocus: false
    },
    mutations: { networkMode: 'always' }
  }
})

/** The topics whose answers an event makes stale. */
const STALE: Readonly<Partial<Record<WindowEventType, readonly string[]>>> = {
  'runs.changed': ['runs', 'projects', 'compare', 'exports', 'queue', 'sweeps'],
  'queue.changed': ['queue', 'runs', 'sweeps'],
  'sets.changed': ['calibration', 'recipes'],
  'models.changed': ['models'],
  'projects.changed': ['projects'],
  'deletions.changed': ['deletions'],
  'settings.changed': ['settings', 'models', 'devices']
}

/**
 * What a recipe in the form names may have come or gone, its device too, which is told as a setting: a form that is open asks for itself when it sees that, since counting
 * tokens takes a while, and one that is opened again asks in any case.
 */
const PLANNED: ReadonlySet<WindowEventType> = new Set(['sets.changed', 'models.changed', 'settings.changed'])

/** What may change the figures of a run; its page, where it is open, decides itself how often it asks. */
const PROGRESS: ReadonlySet<WindowEventType> = new Set([
  'runs.changed',
  'run.progress',
  'run.finished',
  'queue.changed'
])

/** Marks what an event makes stale; what is shown is asked for again. */
export function refreshAfter(event: WindowEvent): void {
  if (PROGRESS.has(event.type)) outdate('proof')
  if (PLANNED.has(event.type)) outdate('plan')
  if (event.type === 'engine.state') {
    if (event.state === 'ready') void queryClient.invalidateQueries()
    // The database turned out to be unusable, or nobody is there to use it.
    if (event.state === 'failed') void queryClient.invalidateQueries({ queryKey: ['store.state'] })
  }
  const topics = STALE[event.type]
  if (topics === undefined) return
  void queryClient.invalidateQueries({ predicate: ({ queryKey }) => topics.includes(topicOf(queryKey)) })
}

/** What is not shown of a topic is asked for again when it is. */
const outdate = (topic: string): void =>
  void queryClient.invalidateQueries({
    type: 'inactive',
    refetchType: 'none',
    predicate: ({ queryKey }) => topicOf(queryKey) === topic
  })

/** `runs` for the key of the call `runs.list`. */
const topicOf = ([name]: readonly unknown[]): string => String(name).split('.')[0] as string
