import { JsonFault, type JsonObject, type JsonValue, parseJson, showJson } from '../../engine/formats/strictJson'
import { asListOfTurns } from './turnForms'

/*
 * Turns of a conversation out of the columns of a row.
 */

/** What stands in a column beside the turns, or why it cannot be used. */
export type Found<T> = { readonly value: T } | { readonly reason: string }

/** What was met in the turns of a row that a person should know of. */
export interface Remarks {
  /** Turns whose content is a list of parts. */
  parts: number
  /** Parts that hold an image, a sound or a film, which are left out. */
  media: number
  /** Rows whose column of system prompts stands beside a system turn of their own. */
  systems: number
}

export const noRemarks = (): Remarks => ({ parts: 0, media: 0, systems: 0 })

const SHAREGPT_ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  bard: 'assistant',
  model: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool',
  function_response: 'tool'
}

/** Names of ShareGPT that stand under `role` too, and that no template knows. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['human', 'user'],
  ['gpt', 'assistant']
])

/** The turns of a list, or of the text of one. */
export function turnsOf(value: JsonValue | undefined, column: string, remarks: Remarks): Found<JsonObject[]> {
  const list = fromJsonText(value)
  if (!Array.isArray(list)) return { reason: `"${column}" is not a list of turns` }
  if (list.length === 0) return { reason: `"${column}" has no turn` }
  const turns: JsonObject[] = []
  for (const [index, entry] of list.entries()) {
    const turn = turnOf(entry, remarks)
    if ('reason' in turn) return { reason: `turn ${index + 1} of "${column}" ${turn.reason}` }
    turns.push(turn.value)
  }
  return { value: turns }
}

/** `turnsOf` for a whole conversation, in every form that data sets have. */
export const conversationOf = (value: JsonValue | undefined, column: string, remarks: Remarks): Found<JsonObject[]> =>
  turnsOf(asListOfTurns(fromJsonText(value)), column, remarks)

/** Tables hold lists as JSON text. */
function fromJsonText(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'string') return value
  try {
    return parseJson(value)
  } catch (error) {
    if (error instanceof JsonFault) return value
    throw error
  }
}

/** A turn as chat templates take it: with role and content, whatever the file calls them. */
function turnOf(entry: JsonValue, remarks: Remarks): Found<JsonObject> {
  if (!(entry instanceof Map)) return { reason: `is ${showJson(entry)}, not an object` }
  const isShareGpt = (entry.get('role') ?? null) === null && (entry.get('from') ?? null) !== null
  const named = isShareGpt ? fromShareGpt(entry) : entry
  if ('reason' in named) return named as { reason: string }
  const turn = named as JsonObject
  const role = turn.get('role')
  if (typeof role !== 'string' || role === '') return { reason: 'has no role' }
  const content = contentOf(turn, remarks)
  if ('reason' in content) return content
  const known: JsonObject = new Map([...turn, ['role', RENAMED.get(role) ?? role]])
  if (!turn.has('content') && content.value === null) return { value: known }
  return { value: new Map([...known, ['content', content.value]]) }
}

/** `from` and `value` of ShareGPT as role and content; a call of a function becomes one of OpenAI's form. */
function fromShareGpt(entry: JsonObject): JsonObject | { readonly reason: string } {
  const { from, value, rest } = splitShareGpt(entry)
  if (from === 'function_call') {
    const call = fromJsonText(value)
    if (!(call instanceof Map) || !call.has('name'))
      return { reason: 'is a call of a function, but not as JSON with a name' }
    const calls = [
      new Map<string, JsonValue>([
        ['type', 'function'],
        ['function', call]
      ])
    ]
    return new Map<string, JsonValue>([['role', 'assistant'], ['tool_calls', calls], ...rest])
  }
  const role = SHAREGPT_ROLES[from.toLowerCase()] ?? from
  return new Map<string, JsonValue>([
    ['role', role],
    ...(value === undefined ? [] : [['content', value] as const]),
    ...rest
  ])
}

function splitShareGpt(entry: JsonObject) {
  const from = entry.get('from')
  // Tables that hold turns of both forms have null where the other form has its keys.
  const rest = [...entry].filter(([key]) => !['from', 'value', 'role', 'content'].includes(key))
  const value = entry.get('value') ?? entry.get('content') ?? (entry.has('value') ? null : entry.get('content'))
  return { from: typeof from === 'string' ? from : '', value, rest }
}

/** The content of a turn: a text, parts of it, or none where the turn calls functions. */
function contentOf(turn: JsonObject, remarks: Remarks): Found<JsonValue> {
  const content = turn.get('content') ?? null
  if (typeof content === 'string') return { value: content }
  if (content === null) {
    const calls = turn.get('tool_calls') ?? turn.get('function_call') ?? null
    const calling = Array.isArray(calls) ? calls.length > 0 : calls !== null
    return calling
      ? { value: null }
      : { reason: turn.has('content') ? 'has null for content, and calls no tools' : 'has no content' }
  }
  if (Array.isArray(content)) return partsOf(content, remarks)
  if (content instanceof Map && turn.get('role') === 'tool') return { value: content }
  return { reason: `has ${showJson(content)} for content; a text or a list of parts is needed` }
}

function partsOf(parts: readonly JsonValue[], remarks: Remarks): Found<JsonValue> {
  const strange = parts.find((part) => typeof part !== 'string' && !(part instanceof Map))
  if (strange !== undefined) return { reason: `has ${showJson(strange)} among the parts of its content` }
  const kept = parts.filter((part) => !isMedia(part))
  remarks.parts++
  remarks.media += parts.length - kept.length
  return kept.length === 0 ? { reason: 'has no text among the parts of its content' } : { value: kept }
}

const isMedia = (part: JsonValue): boolean => {
  const type = part instanceof Map ? part.get('type') : undefined
  return typeof type === 'string' && /^(?:input_)?(?:image|audio|video)/.test(type)
}

/** What a column says of tools or documents: a list of objects, or its text; undefined where there is none. */
export function objectsOf(value: JsonValue | undefined, column: string): Found<JsonValue[] | undefined> {
  if (value === undefined || value === null || value === '') return { value: undefined }
  const given = fromJsonText(value)
  const list = given instanceof Map ? [given] : given
  if (!Array.isArray(list) || !list.every((item: JsonValue) => item instanceof Map))
    return { reason: `"${column}" is not a list of objects` }
  return { value: list as JsonValue[] }
}

/** Earlier questions and answers, as Alpaca's `history` holds them. */
export function historyOf(value: JsonValue | undefined, column: string): Found<JsonObject[]> {
  const list = fromJsonText(value)
  if (list === undefined || list === null || list === '') return { value: [] }
  const isPair = (pair: JsonValue): boolean =>
    Array.isArray(pair) && pair.length === 2 && pair.every((text: JsonValue) => typeof text === 'string')
  if (!Array.isArray(list) || !list.every(isPair))
    return { reason: `"${column}" is not a list of questions with answers` }
  return {
    value: (list as string[][]).flatMap(([question = '', answer = '']) => [
      spoken('user', question),
      spoken('assistant', answer)
    ])
  }
}

export const spoken = (role: string, content: string): JsonObject =>
  new Map([
    ['role', role],
    ['content', content]
  ])
