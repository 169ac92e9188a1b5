import { badInput } from '../../shared/errors'
import { JsonFault, type JsonValue, parseStrictJson } from '../formats/strictJson'
import { fromJson } from '../templates/fromJson'
import { Dict, List, type Value } from '../templates/values'

/** A conversation as a chat template gets it. */
export interface Conversation {
  readonly messages: readonly Dict[]
  /** The functions that the model may call, as JSON schemas; null when the conversation knows none. */
  readonly tools: List | null
  readonly documents: List | null
}

/**
 * The conversation that a sample of kind `messages` holds as JSON: a list of turns, or an object with `messages` and,
 * beside them, `tools` and `documents`.
 *
 * @throws {AppError} BAD_INPUT
 */
export function parseConversation(sample: string, where: string): Conversation {
  const value = parsed(sample, where)
  const row: ReadonlyMap<string, JsonValue> = value instanceof Map ? value : new Map([['messages', value]])
  const messages = objectsIn(row.get('messages'))
  if (messages === undefined || messages.length === 0 || !messages.every(({ role }) => role !== ''))
    throw badInput(`${where}: a list of turns with a role each is needed`)
  const listed = (name: string): List | null => {
    const given = row.get(name) ?? null
    if (given === null) return null
    const list = objectsIn(given)
    if (list === undefined) throw badInput(`${where}: "${name}" must be a list of objects`)
    return new List(list.map(({ dict }) => dict))
  }
  return {
    messages: messages.map(({ dict }) => withReasoning(withoutNone(dict))),
    tools: listed('tools'),
    documents: listed('documents')
  }
}

function parsed(sample: string, where: string): JsonValue {
  try {
    return parseStrictJson(sample)
  } catch (error) {
    if (error instanceof JsonFault) throw badInput(`${where}: not a conversation in JSON: it ${error.message}`)
    throw error
  }
}

function objectsIn(value: JsonValue | undefined): { readonly dict: Dict; readonly role: string }[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map((item: JsonValue) => ({ dict: fromJson(item), role: roleOf(item) }))
  return items.every((item): item is { dict: Dict; role: string } => item.dict instanceof Dict) ? items : undefined
}

const roleOf = (item: JsonValue): string => {
  const role = item instanceof Map ? item.get('role') : undefined
  return typeof role === 'string' ? role : ''
}

/** apply_chat_template drops what is null in a turn: templates ask whether `content` or `tool_calls` is there. */
const withoutNone = (message: Dict): Dict =>
  new Dict(Array.from(message.entries()).filter(([, value]) => value !== null))

const REASONING = ['reasoning_content', 'thinking', 'reasoning']

/** What a turn calls its reasoning is given under the names that templates read, as apply_chat_template does. */
function withReasoning(message: Dict): Dict {
  const name = REASONING.find((one) => (message.get(one) ?? null) !== null)
  if (name === undefined) return message
  const reasoning = message.get(name) as Value
  return new Dict([['thinking', reasoning], ...message.entries(), ['reasoning_content', reasoning]])
}
