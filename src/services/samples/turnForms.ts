import type { JsonObject, JsonValue } from '../../engine/formats/strictJson'

/*
 * Forms in which data sets hold the turns of a conversation beside a list of objects with a role each.
 */

/** The turns as a list of objects with a role each; what has none of these forms is given back as it is. */
export function asListOfTurns(value: JsonValue | undefined): JsonValue | undefined {
  const list = value instanceof Map ? ofColumns(value) : value
  if (!Array.isArray(list) || list.length === 0) return value
  if (list.length > 1 && list.every((turn) => typeof turn === 'string')) return takingTurns(list)
  return list.every(isPair) ? list.flatMap((pair) => takingTurns([pair.get('input'), pair.get('output')])) : list
}

/** `Sequence` of the datasets library: an object of lists, in which the first values are the first turn. */
function ofColumns(columns: JsonObject): JsonObject[] | undefined {
  const lists = [...columns.values()]
  const [first] = lists
  if (!Array.isArray(first) || !lists.every((list) => Array.isArray(list) && list.length === first.length))
    return undefined
  const names = [...columns.keys()]
  return first.map((_, turn) => new Map(names.map((name, i) => [name, (lists[i] as JsonValue[])[turn] ?? null])))
}

/** LIMA and UltraChat: texts, of which the first is the user's. */
const takingTurns = (texts: readonly (JsonValue | undefined)[]): JsonObject[] =>
  texts.map(
    (text, i) =>
      new Map<string, JsonValue>([
        ['role', i % 2 === 0 ? 'user' : 'assistant'],
        ['content', text ?? null]
      ])
  )

/** Capybara: a question with its answer. */
const isPair = (turn: JsonValue): turn is JsonObject =>
  turn instanceof Map &&
  !turn.has('role') &&
  !turn.has('from') &&
  [turn.get('input'), turn.get('output')].every((text) => typeof text === 'string')
