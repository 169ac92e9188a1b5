import { ChatMessage, type SampleShape, type SetKind } from '../../shared/samples'

/** A sample of a row, or why it gives none. Conversations are kept as JSON, rendered by a model's template later. */
export type Sample = { readonly text: string } | { readonly reason: string }

/** What samples of a shape are. */
export const kindOf = ({ kind }: SampleShape): SetKind => (kind === 'text' ? 'text' : 'messages')

/**
 * The shape that columns of these names most likely have; the first rule that fits counts:
 * messages, conversations, instruction + output, prompt + completion, text.
 */
export function guessShape(columns: readonly string[]): SampleShape | undefined {
  const has = (name: string): boolean => columns.includes(name)
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
  if (has('text')) return { kind: 'text', text: 'text' }
  return undefined
}

/** The columns that a shape reads. */
export const columnsOf = ({ kind: _kind, ...columns }: SampleShape): string[] => Object.values(columns)

/** Reads the sample of a row in this shape. */
export function sampleOf(row: Readonly<Record<string, unknown>>, shape: SampleShape): Sample {
  switch (shape.kind) {
    case 'text':
      return textOf(row, shape.text)
    case 'messages':
      return conversationOf(row, shape.messages, (turn) => turn)
    case 'conversations':
      return conversationOf(row, shape.conversations, fromShareGpt)
    case 'instruction':
      return instructionOf(row, shape)
    case 'prompt':
      return pairOf(textOf(row, shape.prompt), textOf(row, shape.completion))
    default:
      return shape satisfies never
  }
}

/** `its keys are a, b`, for a row that lacks what was expected. */
export const keysOf = (row: Readonly<Record<string, unknown>>): string =>
  `its keys are ${Object.keys(row).slice(0, 6).join(', ') || 'none'}`

function textOf(row: Readonly<Record<string, unknown>>, column: string): Sample {
  const value = row[column]
  if (value === undefined || value === null) {
    return { reason: `no "${column}"; ${keysOf(row)}` }
  }
  if (typeof value !== 'string') return { reason: `"${column}" is not a string` }
  return value.trim() === '' ? { reason: `"${column}" is empty` } : { text: value }
}

function instructionOf(
  row: Readonly<Record<string, unknown>>,
  { instruction, input, output }: Extract<SampleShape, { kind: 'instruction' }>
): Sample {
  const asked = textOf(row, instruction)
  if ('reason' in asked) return asked
  const given = input === undefined ? '' : row[input]
  const question = typeof given === 'string' && given.trim() !== '' ? `${asked.text}\n\n${given}` : asked.text
  return pairOf({ text: question }, textOf(row, output))
}

function pairOf(question: Sample, answer: Sample): Sample {
  if ('reason' in question) return question
  if ('reason' in answer) return answer
  return conversation([
    { role: 'user', content: question.text },
    { role: 'assistant', content: answer.text }
  ])
}

const SHAREGPT_ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  chatgpt: 'assistant',
  bing: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool'
}

const fromShareGpt = (turn: unknown): unknown => {
  if (typeof turn !== 'object' || turn === null) return turn
  const { from, value } = turn as { from?: unknown; value?: unknown }
  return { role: SHAREGPT_ROLES[String(from).toLowerCase()] ?? from, content: value }
}

function conversationOf(
  row: Readonly<Record<string, unknown>>,
  column: string,
  turnOf: (turn: unknown) => unknown
): Sample {
  const value = fromJsonText(row[column])
  if (!Array.isArray(value)) return { reason: `"${column}" is not a list of turns` }
  if (value.length === 0) return { reason: `"${column}" has no turn` }
  const turns: ChatMessage[] = []
  for (const [index, turn] of value.entries()) {
    const parsed = ChatMessage.safeParse(turnOf(turn))
    if (!parsed.success) return { reason: `turn ${index + 1} of "${column}" has no role or no text` }
    turns.push(parsed.data)
  }
  return conversation(turns)
}

/** Tables hold a conversation as JSON text. */
function fromJsonText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

const conversation = (messages: readonly ChatMessage[]): Sample => ({ text: JSON.stringify(messages) })
