import { useDidUpdate } from '@mantine/hooks'
import type { StartChoices } from '../../shared/contract/recipes'
import type { Recipe } from '../../shared/recipe'

/** Checks again when a stored set of the form goes, by the command line or with a deletion, and when it is back. */
export function useMissingSets(
  { calibration, evaluation }: Pick<Recipe, 'calibration' | 'evaluation'>,
  { sets }: Pick<StartChoices, 'sets'>,
  check: () => void
): void {
  const wanted = [calibration.set, evaluation?.set].filter((name) => name !== undefined)
  const missing = wanted.filter((wish) => !sets.some(({ name }) => name === wish))
  useDidUpdate(check, [missing.join('\n')])
}
