import { badInput } from '../../shared/errors'
import { shownValue } from '../../shared/shownValue'
import type { ConfigReader } from './configReader'
import { ropeKey } from './ropeSettings'

/**
 * Checks the pairs of dimensions that each stream of positions has (time, height, width), which on texts are one: models that
 * split cos and sin by them fail where they do not make up what rotates.
 *
 * @param rotating - dimensions of a head that rotate
 * @param fallback - the pairs of each stream where config.json does not say
 * @throws {AppError} BAD_INPUT where they are other pairs than those
 */
export function checkSections(config: ConfigReader, rotating: number, fallback: readonly number[]): void {
  const key = ropeKey(config)
  const parameters = config.object(key)
  const sections = parameters.given('mrope_section') ? parameters.wholes('mrope_section') : fallback
  if (sections.every((one) => one >= 0) && 2 * sections.reduce((sum, one) => sum + one, 0) === rotating) return
  const found = parameters.given('mrope_section') ? shownValue(sections) : `missing, which means [${sections}]`
  throw badInput(
    `${parameters.where}: mrope_section is ${found}, expected a sum of ${rotating / 2}, half of what rotates`
  )
}
