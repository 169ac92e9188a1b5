import { compactJson } from '../../engine/formats/compactJson'
import type { JsonObject, JsonValue } from '../../engine/formats/strictJson'
import type { SampleShape, SetKind } from '../../shared/samples'
import {
  conversationOf,
  type Found,
  historyOf,
  noRemarks,
  objectsOf,
  type Remarks,
  spoken,
  turnsOf
} from './conversations'

/** A sample of a row, or why it gives none. Conversations are kept as JSON, rendered by a model's template later. */
export type Sample = { readonly text: string } | { readonly reason: string }

/** What samples of a shape are. */
export const kindOf = ({ kind }: SampleShape): SetKind => (kind === 'text' ? 'text' : 'messages')

/** Columns that stand beside the turns under these names. */
const BESIDE = ['system', 'tools', 'documents', 'history'] as const

/**
 * The shape that columns of these names most likely have; the first rule that fits counts: messages, conversations,
 * instruction + output, prompt + completion, what was chosen of two answers, text, conversation.
 */
export function guessShape(columns: readonly string[]): SampleShape | undefined {
  const shape = mainShape((name) => columns.includes(name))
  return shape && withColumnsBeside(shape, columns)
}

function mainShape(has: (name: string) => boolean): SampleShape | undefined {
  if (has('messages')) return { kind: 'messages', messages: 'messages' }
  if (has('conversations')) return { kind: 'conversations', conversations: 'conversations' }
  if (has('instruction') && has('output')) {
    return {
      kind: 'instruction',
      instruction: 'instruction',
      output: 'output',
      ...(has('input') && { input: 'input' })
    }
  }
  if (has('prompt') && has('completion')) return { kind: 'prompt', prompt: 'prompt', completion: 'completion' }
  if (has('prompt') && has('chosen')) return { kind: 'prompt', prompt: 'prompt', completion: 'chosen' }
  if (has('chosen')) return { kind: 'messages', messages: 'chosen' }
  if (has('text')) return { kind: 'text', text: 'text' }
  if (has('conversation')) return { kind: 'conversations', conversations: 'conversation' }
  return undefined
}

/** The shape with those of the columns that are known to stand beside its own. */
export function withColumnsBeside(shape: SampleShape, columns: readonly string[]): SampleShape {
  if (shape.kind === 'text') return shape
  const named = BESIDE.filter((name) => columns.includes(name) && (name !== 'history' || shape.kind === 'instruction'))
  const more = named.filter((name) => !(name in shape))
  return more.length === 0 ? shape : { ...shape, ...Object.fromEntries(more.map((name) => [name, name])) }
}

/** The columns that a shape reads. */
export const columnsOf = ({ kind: _kind, ...columns }: SampleShape): string[] => Object.values(columns)

/** The columns that a sample needs. */
export const neededColumnsOf = (shape: SampleShape): string[] =>
  Object.entries(shape).flatMap(([name, column]) =>
    ['kind', 'input', ...BESIDE].includes(name) ? [] : [column as string]
  )

/** Reads the sample of a row in this shape. */
export function sampleOf(row: JsonObject, shape: SampleShape, remarks: Remarks = noRemarks()): Sample {
  if (shape.kind === 'text') return textOf(row, shape.text)
  const turns = turnsIn(row, shape, remarks)
  return 'reason' in turns ? turns : conversation(row, shape, turns.value, remarks)
}

type ChatShape = Exclude<SampleShape, { kind: 'text' }>

function turnsIn(row: JsonObject, shape: ChatShape, remarks: Remarks): Found<JsonObject[]> {
  switch (shape.kind) {
    case 'messages':
      return conversationOf(row.get(shape.messages), shape.messages, remarks)
    case 'conversations':
      return conversationOf(row.get(shape.conversations), shape.conversations, remarks)
    case 'instruction':
      return instructionOf(row, shape)
    case 'prompt':
      return answered(row, shape, remarks)
    default:
      return shape satisfies never
  }
}

/** `its keys are a, b`, for a row that lacks what was expected. */
export const keysOf = (row: JsonObject): string => `its keys are ${[...row.keys()].slice(0, 6).join(', ') || 'none'}`

function textOf(row: JsonObject, column: string): Sample {
  const value = row.get(column) ?? null
  if (value === null) return { reason: `no "${column}"; ${keysOf(row)}` }
  if (typeof value !== 'string') return { reason: `"${column}" is not a string` }
  return value.trim() === '' ? { reason: `"${column}" is empty` } : { text: value }
}

function instructionOf(row: JsonObject, shape: Extract<SampleShape, { kind: 'instruction' }>): Found<JsonObject[]> {
  const asked = textOf(row, shape.instruction)
  if ('reason' in asked) return asked
  const earlier = shape.history === undefined ? { value: [] } : historyOf(row.get(shape.history), shape.history)
  if ('reason' in earlier) return earlier
  const given = (shape.input === undefined ? null : row.get(shape.input)) ?? ''
  if (typeof given !== 'string') return { reason: `"${shape.input}" is not a string` }
  const question = given.trim() !== '' ? `${asked.text}\n\n${given}` : asked.text
  const answer = textOf(row, shape.output)
  if ('reason' in answer) return answer
  return { value: [...earlier.value, spoken('user', question), spoken('assistant', answer.text)] }
}

/** A question and an answer, each a text or a list of turns; an answer may bring the turns of its question along. */
function answered(
  row: JsonObject,
  { prompt, completion }: Extract<SampleShape, { kind: 'prompt' }>,
  remarks: Remarks
): Found<JsonObject[]> {
  const part = (column: string, role: string): Found<JsonObject[]> => {
    if (Array.isArray(row.get(column))) return turnsOf(row.get(column), column, remarks)
    const text = textOf(row, column)
    return 'reason' in text ? text : { value: [spoken(role, text.text)] }
  }
  const question = part(prompt, 'user')
  if ('reason' in question) return question
  const answer = part(completion, 'assistant')
  if ('reason' in answer) return answer
  const whole = answer.value.some((turn) => turn.get('role') !== 'assistant' && turn.get('role') !== 'tool')
  return { value: whole ? answer.value : [...question.value, ...answer.value] }
}

/** The turns with what stands beside them: a system turn goes first, tools and documents are kept for the template. */
function conversation(row: JsonObject, shape: ChatShape, turns: readonly JsonObject[], remarks: Remarks): Sample {
  const { system, tools, documents } = shape
  const first = system === undefined ? undefined : row.get(system)
  if (first !== undefined && first !== null && typeof first !== 'string')
    return { reason: `"${system}" is not a string` }
  const beside = new Map<string, JsonValue>()
  for (const [name, column] of [
    ['tools', tools],
    ['documents', documents]
  ] as const) {
    const found = column === undefined ? { value: undefined } : objectsOf(row.get(column), column)
    if ('reason' in found) return found
    if (found.value !== undefined) beside.set(name, found.value)
  }
  const own = turns[0]?.get('role') === 'system' ? turns[0].get('content') : undefined
  if (own !== undefined && first?.trim() && first !== own) remarks.systems++
  const opened = own !== undefined || !first?.trim() ? turns : [spoken('system', first), ...turns]
  return { text: compactJson(beside.size === 0 ? opened : new Map([['messages', opened], ...beside])) }
}
