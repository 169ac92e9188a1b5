import { type ChatMessage, StoredConversation } from '../../shared/samples'

/** A turn as people read it: who speaks, or what stands beside the turns, and what there is to read. */
export interface ShownTurn {
  readonly role: string
  readonly text: string
}

/** The turns of a stored conversation, tools and documents first; undefined for what is none, or was cut off. */
export function shownTurns(sample: string): ShownTurn[] | undefined {
  const stored = StoredConversation.safeParse(parsed(sample)).data
  if (stored === undefined) return undefined
  if (Array.isArray(stored)) return stored.map(shownTurn)
  const { messages, tools, documents } = stored
  return [
    ...(tools === undefined ? [] : [{ role: 'tools', text: listText(tools) }]),
    ...(Array.isArray(documents) ? [{ role: 'documents', text: listText(documents) }] : []),
    ...messages.map(shownTurn)
  ]
}

/** Numbers are kept as the text writes them: 20.0 and integers beyond 2^53 too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text, asWritten)
  } catch {
    return undefined
  }
}

/** A number in the text of a JSON value, as it was written. */
class WrittenNumber {
  constructor(readonly source: string) {}
}

function asWritten(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? new WrittenNumber(context.source) : value
}

const listText = (items: readonly unknown[]): string => items.map(jsonText).join('\n')

/** JSON on one line, with spaces for people. */
function jsonText(value: unknown): string {
  if (value instanceof WrittenNumber) return value.source
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item)}`)
  return `{${entries.join(', ')}}`
}

function shownTurn({ role, content, tool_calls: calls }: ChatMessage): ShownTurn {
  const said = contentText(content)
  const called = (calls ?? []).map((call) => `calls ${callText(call)}`)
  return { role, text: [...(said === '' ? [] : [said]), ...called].join('\n') }
}

function contentText(content: ChatMessage['content']): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map(partText).join('\n') : jsonText(content)
}

const partText = (part: unknown): string => {
  if (typeof part === 'string') return part
  const text = typeof part === 'object' && part !== null && 'text' in part ? part.text : undefined
  return typeof text === 'string' ? text : jsonText(part)
}

/** `find_whale({"depth": 20.0})`; whatever has another form as it stands. */
function callText(call: unknown): string {
  const named = (value: unknown): { name?: unknown; arguments?: unknown; function?: unknown } =>
    typeof value === 'object' && value !== null ? value : {}
  const { name, arguments: given } = named(named(call).function ?? call)
  if (typeof name !== 'string') return jsonText(call)
  return `${name}(${typeof given === 'string' ? given : jsonText(given ?? {})})`
}
