import type { TokenRows } from './rows'

/**
 * Share of the positions of evaluation rows that count whose token occurs in the calibration rows: what the others read, no
 * second moment has seen.
 *
 * @returns undefined where no position counts, or the tokens were not read
 */
export function coverage(calibration: TokenRows, evaluation: TokenRows): number | undefined {
  const seen = new Set<number>()
  for (let row = 0; row < calibration.lengths.length; row++) {
    const begin = row * calibration.context
    for (const id of calibration.ids.subarray(begin, begin + (calibration.lengths[row] as number))) seen.add(id)
  }
  let [covered, counted] = [0, 0]
  evaluation.ids.forEach((id, i) => {
    if (evaluation.counted[i] !== 1) return
    counted++
    if (seen.has(id)) covered++
  })
  return counted === 0 || seen.size === 0 ? undefined : covered / counted
}
