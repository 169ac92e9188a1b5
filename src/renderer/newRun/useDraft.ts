import { useCallback, useEffect, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { StartRecipe } from '../../shared/contract/recipes'
import type { AppError } from '../../shared/errors'
import type { Recipe } from '../../shared/recipe'
import { allowed } from '../api/allowed'
import { call } from '../api/desktop'
import { notifyError } from '../components/notify'
import { type Draft, draftOf, loadDraft, saveDraft } from './draft'

export interface DraftState {
  readonly draft: Draft | undefined
  /** What kept the first recipe from being made. */
  readonly error: AppError | undefined
  readonly change: (change: (recipe: Recipe) => Recipe) => void
  readonly setOut: (out: string | null) => void
  /** Begins with another recipe, when what it names may be read; the present draft can be brought back. */
  readonly begin: (start: StartRecipe) => void
  readonly goBack: (() => void) | undefined
}

/** The draft of the form: what the address asks for, else that of last time, else the sample. */
export function useDraft(): DraftState {
  const [draft, setDraft] = useState(loadDraft)
  const [before, setBefore] = useState<Draft>()
  const [error, setError] = useState<AppError>()
  const search = useSearch()
  const [, navigate] = useLocation()

  useEffect(() => {
    if (draft !== undefined) saveDraft(draft)
  }, [draft])

  const begin = useCallback((start: StartRecipe) => {
    setError(undefined)
    setDraft((present) => {
      setBefore(present)
      return draftOf(start)
    })
  }, [])

  const present = draft !== undefined
  useEffect(() => {
    const asked = startFor(new URLSearchParams(search))
    if (asked === undefined && present) return
    let current = true
    const started = asked ?? (() => call('recipes.start', {}))
    ifAllowed(started()).then(
      (start) => {
        if (current && start !== undefined) begin(start)
        if (current && asked !== undefined) navigate('/new', { replace: true })
      },
      (failure: AppError) => {
        if (!current) return
        if (present) notifyError('The recipe could not be opened', failure)
        else setError(failure)
        if (asked !== undefined) navigate('/new', { replace: true })
      }
    )
    return () => {
      current = false
    }
  }, [search, present, begin, navigate])

  const change = useCallback((by: (recipe: Recipe) => Recipe) => {
    setDraft((now) => now && { ...now, recipe: by(now.recipe) })
  }, [])
  const setOut = useCallback((out: string | null) => setDraft((now) => now && { ...now, out }), [])
  const goBack =
    before &&
    (() => {
      setDraft(before)
      setBefore(undefined)
    })
  // What is about to be replaced is not shown, and not planned either.
  const replaced = startFor(new URLSearchParams(search)) !== undefined
  return { draft: replaced ? undefined : draft, error, change, setOut, begin: useBeginning(begin), goBack }
}

/** A beginning whose recipe may be read; undefined when the person does not want that. */
async function ifAllowed(started: Promise<StartRecipe>): Promise<StartRecipe | undefined> {
  const start = await started
  return (await allowed(start.recipe)) ? start : undefined
}

const useBeginning = (begin: (start: StartRecipe) => void): ((start: StartRecipe) => void) =>
  useCallback(
    (start) => {
      ifAllowed(Promise.resolve(start)).then(
        (agreed) => agreed && begin(agreed),
        (failure: AppError) => notifyError('The recipe could not be opened', failure)
      )
    },
    [begin]
  )

/** The recipe that the address asks for: `?recipe=<run id>`, `?recipeFile=<path>`, `?model=<path>`, `?set=<name>`. */
function startFor(query: URLSearchParams): (() => Promise<StartRecipe>) | undefined {
  const [run, path, model, set] = ['recipe', 'recipeFile', 'model', 'set'].map((key) => query.get(key))
  if (run) return () => call('recipes.ofRun', { run })
  if (path) return () => call('recipes.read', { path })
  if (model || set) return () => call('recipes.start', { ...(model && { model }), ...(set && { set }) })
  return undefined
}
