import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { CallInput, CallName, CallOutput } from '../../shared/contract'
import type { WindowEventOf, WindowEventType } from '../../shared/contract/events'
import { AppError } from '../../shared/errors'
import { call, onEvent } from './desktop'

interface CallQueryOptions {
  readonly enabled?: boolean
  readonly keepPrevious?: boolean
  /** Asked whenever it comes into sight, as no event tells of what it is about: files that others change. */
  readonly everyTime?: boolean
  /** Told the name under which a call reports its progress, each time it is asked. */
  readonly onTask?: (task: string) => void
}

/** The answer of a call, asked again when an event makes it stale. The key of the query is [name, input]. */
export function useCall<N extends CallName>(
  name: N,
  input: CallInput<N>,
  { enabled = true, keepPrevious = false, everyTime = false, onTask }: CallQueryOptions = {}
) {
  return useQuery<CallOutput<N>, AppError>({
    queryKey: [name, input],
    // `undefined` is no answer to a query; calls without an answer are mutations.
    queryFn: ({ signal }) => {
      const task = crypto.randomUUID()
      onTask?.(task)
      return call(name, input, { signal, task })
    },
    enabled,
    ...(everyTime && { refetchOnMount: 'always' as const }),
    ...(keepPrevious && { placeholderData: keepPreviousData })
  })
}

/**
 * A call that changes something; what it makes stale is told by events. What is under way is not begun a second time: the
 * second click of a double one comes before the button shows that it was pressed.
 */
export function useAction<N extends CallName>(name: N, onDone?: (output: CallOutput<N>, input: CallInput<N>) => void) {
  const underWay = useRef(new Set<string>())
  const action = useMutation<CallOutput<N>, AppError, CallInput<N>>({
    mutationFn: (input) => call(name, input),
    ...(onDone && { onSuccess: onDone }),
    onSettled: (_, __, input) => void underWay.current.delete(JSON.stringify(input))
  })
  const begin = action.mutate
  const mutate = useCallback<typeof begin>(
    (...asked) => {
      const key = JSON.stringify(asked[0])
      if (underWay.current.has(key)) return
      underWay.current.add(key)
      begin(...asked)
    },
    [begin]
  )
  return { ...action, mutate }
}

/** Calls the listener for every event of a type, as long as the component lives. */
export function useWindowEvent<T extends WindowEventType>(type: T, listener: (event: WindowEventOf<T>) => void): void {
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(
    () =>
      onEvent((event) => {
        if (event.type === type) latest.current(event as WindowEventOf<T>)
      }),
    [type]
  )
}

/** How far a long call is. */
export type CallProgress = Omit<WindowEventOf<'task.progress'>, 'type' | 'task'>

/** The progress of the call that was followed last; null until it tells any. */
export function useProgress(): { readonly progress: CallProgress | null; readonly follow: (task: string) => void } {
  const followed = useRef<string>(undefined)
  const [progress, setProgress] = useState<CallProgress | null>(null)
  useWindowEvent('task.progress', ({ type: _, task, ...told }) => {
    if (task === followed.current) setProgress(told)
  })
  const follow = useCallback((task: string) => {
    followed.current = task
    setProgress(null)
  }, [])
  return { progress, follow }
}

export interface Task<N extends CallName> {
  readonly run: (input: CallInput<N>) => Promise<CallOutput<N> | undefined>
  readonly cancel: () => void
  readonly running: boolean
  readonly progress: CallProgress | null
  readonly error: AppError | null
}

/** A long call with progress that can be cancelled; `run` resolves with undefined when it failed or was cancelled. */
export function useTask<N extends CallName>(name: N): Task<N> {
  const [running, setRunning] = useState(false)
  const { progress, follow } = useProgress()
  const [error, setError] = useState<AppError | null>(null)
  const present = useRef<AbortController | null>(null)
  useEffect(() => () => present.current?.abort(), [])
  const run = useCallback(
    async (input: CallInput<N>) => {
      present.current?.abort()
      const controller = new AbortController()
      const id = crypto.randomUUID()
      present.current = controller
      setRunning(true)
      follow(id)
      setError(null)
      try {
        return await call(name, input, { signal: controller.signal, task: id })
      } catch (thrown) {
        const failure = thrown instanceof AppError ? thrown : new AppError('INTERNAL', String(thrown))
        if (failure.code !== 'CANCELLED' && present.current === controller) setError(failure)
        return undefined
      } finally {
        if (present.current === controller) setRunning(false)
      }
    },
    [name, follow]
  )
  return { run, cancel: () => present.current?.abort(), running, progress, error }
}
