import { useDebouncedValue } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { AppError } from '../../shared/errors'
import type { Plan, Preflight } from '../../shared/plan'
import type { Recipe } from '../../shared/recipe'
import { type Chip, chipKey } from '../../shared/variantAxes'
import { type CallProgress, useCall, useProgress } from '../api/hooks'

/** Pause in typing after which the plan is asked again. */
const PAUSE_MS = 200

export interface LivePlan {
  /** Of the whole recipe, texts and all; undefined before the first answer. */
  readonly preflight: Preflight | undefined
  /** The best that is known: that of the preflight, or guessed from the sizes of the texts. */
  readonly plan: Plan | undefined
  readonly error: AppError | null
  /** The answer is for an earlier state of the form, and the next is on its way. */
  readonly stale: boolean
  /** Looking was stopped before there was an answer; until `refresh` there is none. */
  readonly stopped: boolean
  /** Of the tokens that are counted; null where nothing is counted. */
  readonly progress: CallProgress | null
  readonly refresh: () => void
  readonly cancel: () => void
  /** Seconds that a click on a chip adds (positive) or saves (negative); undefined while unknown. */
  readonly chipSeconds: (chip: Chip) => number | undefined
}

/** The plan of the recipe in the form, asked again when it rests; an earlier one stays until the new one is there. */
export function usePreflight(recipe: Recipe | undefined, out: string | null, chips: readonly Chip[]): LivePlan {
  const device = recipe?.device ?? 'cpu'
  const speed = useCall('plan.speed', { device }).data ?? null
  const wanted = useMemo(() => recipe && { recipe, out, chips: [...chips] }, [recipe, out, chips])
  const [asked] = useDebouncedValue(wanted, PAUSE_MS)
  const input = { ...(asked as NonNullable<typeof asked>), flopsPerSecond: speed } // without a recipe nothing is asked
  const enabled = asked !== undefined
  const { progress, follow } = useProgress()
  const queries = useQueryClient()
  const whole = useCall('plan.preflight', input, { enabled, keepPrevious: true, onTask: follow })
  // Long texts take seconds the first time; their sizes tell nearly the same at once.
  const guessed = useCall('plan.preflight', { ...input, guess: true }, { enabled, keepPrevious: true })
  const best = (whole.isPlaceholderData ? undefined : whole.data) ?? guessed.data ?? whole.data
  const total = best?.plan?.seconds
  const answered = whole.error !== null || (whole.data !== undefined && !whole.isPlaceholderData)
  const stopped = enabled && wanted === asked && !whole.isFetching && !answered
  return {
    preflight: whole.data,
    plan: best?.plan,
    error: whole.error,
    stale: wanted !== asked || whole.isFetching || stopped,
    stopped,
    progress: whole.isFetching ? progress : null,
    refresh: () => void whole.refetch(),
    cancel: () => void queries.cancelQueries({ queryKey: ['plan.preflight', input], exact: true }),
    chipSeconds(chip) {
      const other = best?.alternatives[chipKey(chip)]
      return other === undefined || total === undefined ? undefined : other.seconds - total
    }
  }
}
