import { join } from 'node:path'
import { serializeError } from '../shared/errors'
import { type Finding, type Fix, leaveOut } from '../shared/findings'
import type { Preflight } from '../shared/plan'
import type { OnProgress } from '../shared/progress'
import type { Recipe, Variant } from '../shared/recipe'
import { runsDirectory } from '../store/home'
import { momentStore } from './moments'
import { checkRunOut } from './outDirectory'
import type { PlanOptions } from './runService'
import { resolveTexts } from './runTexts'
import type { Services } from './services'
import { withTemporaryDirectory } from './temporaryDirectory'

export interface PreflightOptions extends PlanOptions {
  /** Speed of the device as measured before. */
  readonly flopsPerSecond?: number | undefined
  /** Guesses the tokens from the texts' sizes instead of reading them. */
  readonly guess?: boolean | undefined
  /** Told which text is tokenized, and how far it is. */
  readonly onProgress?: OnProgress | undefined
  /** Other choices of variants whose cost is asked for. */
  readonly alternatives?: Readonly<Record<string, Variant[]>> | undefined
}

/** Where the adapters of a run go when nobody says otherwise. */
export const defaultOut = ({ home }: Pick<Services, 'home'>, runId: string): string => join(home, 'adapters', runId)

/**
 * Looks at a recipe in the making: everything that speaks against a run, and what it would do and need as far as that can
 * be told. Nothing is stored, and no fault of the recipe throws.
 */
export function preflightRecipe(
  services: Services,
  recipe: Recipe,
  { signal, out, flopsPerSecond, guess, alternatives, onProgress }: PreflightOptions = {}
): Promise<Preflight> {
  const { home, store, engine } = services
  return withTemporaryDirectory(async (inputs) => {
    const found: Finding[] = out === undefined ? [] : await outFindings(out, recipe)
    const texts = await resolveTexts(store, recipe, inputs, (role, text, { message }) => {
      found.push({ code: 'TEXT', severity: 'error', subject: 'texts', message, fix: textFix(recipe, role, text) })
    })
    const folders = { spool: runsDirectory(home), out: out ?? defaultOut(services, 'new') }
    const moments = await momentStore(services)
    const request = { recipe, ...texts, folders, moments, flopsPerSecond, guess, alternatives }
    const { findings, plan, alternatives: costs } = await engine.call('preflight', request, { signal, onProgress })
    return { findings: [...found, ...findings], plan, alternatives: costs }
  })
}

/** A file given twice stays once; any other is left out. */
function textFix(recipe: Recipe, role: 'calibration' | 'evaluation', text: string): Fix | undefined {
  const files = recipe[role]?.files ?? []
  const once = [...new Set(files)]
  if (files.filter((file) => file === text).length < 2) return leaveOut(recipe, role, text)
  return { label: 'Keep it once', changes: [{ path: [role, 'files'], value: once }] }
}

async function outFindings(out: string, recipe: Recipe): Promise<Finding[]> {
  try {
    await checkRunOut(out, recipe)
    return []
  } catch (error) {
    const { code, message } = serializeError(error)
    if (code === 'INTERNAL') throw error
    return [{ code: 'OUT', severity: 'error', subject: 'output', message }]
  }
}
