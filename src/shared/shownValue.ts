/** Characters of a value that a sentence has room for. */
const MAX_SHOWN = 200

/** A value of a JSON file for a message, on one line: as it is written there, cut where it is long; `missing` for none. */
export function shownValue(value: unknown): string {
  const shown = JSON.stringify(value) ?? 'missing'
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown
}
