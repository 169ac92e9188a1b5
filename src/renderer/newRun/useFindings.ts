import { useMemo } from 'react'
import { applyChanges, type Finding } from '../../shared/findings'
import { METHOD_OPTIONS } from '../../shared/methods'
import { modelName } from '../../shared/modelName'
import { type Recipe, USUAL_ROWS } from '../../shared/recipe'
import { call } from '../api/desktop'
import { uncapitalized } from '../format/letters'
import type { ListedFinding } from './FindingList'
import type { DraftState } from './useDraft'
import type { LivePlan } from './usePreflight'

/** The findings of the preflight, and what the form itself misses, each with what mends it. */
export function useFindings(
  { draft, change, setOut }: DraftState,
  errors: Readonly<Record<string, string>>,
  { preflight, error }: LivePlan
): readonly ListedFinding[] {
  return useMemo(() => {
    const missing = Object.entries(errors).map(
      ([path, message]): ListedFinding => ({
        code: `FORM ${path}`,
        severity: 'error',
        subject: 'texts',
        message: `${nameOf(path)}: ${uncapitalized(message)}`
      })
    )
    if (missing.length > 0) return missing
    if (error !== null) {
      return [{ code: 'PLAN', severity: 'error', subject: 'output', message: error.message }]
    }
    const out = draft?.out ?? null
    const name = draft === undefined ? '' : (draft.recipe.name ?? modelName(draft.recipe.model))
    return (preflight?.findings ?? []).map(({ fix, ...finding }): ListedFinding => {
      if (fix !== undefined) {
        const action = (): void => change((recipe) => applyChanges(recipe, fix.changes) as Recipe)
        return { ...finding, mend: { label: fix.label, action } }
      }
      return { ...finding, mend: mendOf(finding, { out, name, change, setOut }) }
    })
  }, [draft, change, setOut, errors, preflight, error])
}

interface Means extends Pick<DraftState, 'change' | 'setOut'> {
  readonly out: string | null
  readonly name: string
}

/** What only the window can do about a finding: ask for a file, or put the adapters elsewhere. */
function mendOf({ code }: Omit<Finding, 'fix'>, { out, name, change, setOut }: Means): ListedFinding['mend'] {
  switch (code) {
    case 'OUT':
      return {
        label: 'Use a new folder in it',
        action: () => setOut(out === null ? null : `${out.replace(/[\\/]+$/, '')}/${slug(name)}-${stamp()}`)
      }
    case 'MODEL':
      return { label: 'Choose another model…', action: () => void pickModel(change) }
    case 'NO_EVALUATION':
      return { label: 'Choose text…', action: () => void pickEvaluation(change) }
    default:
      return undefined
  }
}

async function pickModel(change: DraftState['change']): Promise<void> {
  const [model] = await call('app.pick', { kind: 'model' })
  if (model !== undefined) change((recipe) => ({ ...recipe, model }))
}

async function pickEvaluation(change: DraftState['change']): Promise<void> {
  const files = await call('app.pick', { kind: 'texts', multiple: true })
  if (files.length > 0) change((recipe) => ({ ...recipe, evaluation: { files, rows: USUAL_ROWS } }))
}

const slug = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+|-+$/g, '') || 'run'

/** `20261125-1846`. */
const stamp = (): string =>
  new Date()
    .toISOString()
    .replaceAll(/[-:]|T/g, (c) => (c === 'T' ? '-' : ''))
    .slice(0, 13)

const NAMES: Readonly<Record<string, string>> = {
  model: 'Model',
  calibration: 'Calibration text',
  'calibration.files': 'Calibration text',
  'calibration.rows': 'Rows of the calibration text',
  'evaluation.rows': 'Rows of the evaluation text',
  context: 'Context',
  memoryBudget: 'Memory budget',
  seed: 'Seed'
}

const nameOf = (path: string): string => NAMES[path] ?? optionTitle(path) ?? path

const optionTitle = (path: string): string | undefined =>
  Object.entries(METHOD_OPTIONS).find(([option]) => path.endsWith(`.${option}`))?.[1].title
