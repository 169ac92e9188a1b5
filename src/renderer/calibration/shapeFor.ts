import type { SampleKind, SampleShape } from '../../shared/samples'

/** What a kind of row consists of. */
export interface Part {
  readonly key: string
  /** Whether a row can do without. */
  readonly optional?: boolean
}

/** What may stand beside the turns of a conversation. */
const BESIDE: readonly Part[] = ['system', 'tools', 'documents'].map((key) => ({ key, optional: true }))

export const PARTS: Readonly<Record<SampleKind, readonly Part[]>> = {
  messages: [{ key: 'messages' }, ...BESIDE],
  conversations: [{ key: 'conversations' }, ...BESIDE],
  instruction: [
    { key: 'instruction' },
    { key: 'input', optional: true },
    { key: 'output' },
    { key: 'history', optional: true },
    ...BESIDE
  ],
  prompt: [{ key: 'prompt' }, { key: 'completion' }, ...BESIDE],
  text: [{ key: 'text' }]
}

const ASKED = ['instruction', 'prompt', 'question', 'query', 'problem']
const ANSWERED = ['output', 'completion', 'response', 'answer', 'chosen', 'solution']
const TURNS = ['messages', 'conversations', 'conversation', 'dialogue', 'dialog']

/** What columns of each part are also called in data sets, the most telling first. */
const ALSO_CALLED: Readonly<Record<string, readonly string[]>> = {
  messages: TURNS,
  conversations: TURNS,
  instruction: ASKED,
  input: ['context'],
  output: ANSWERED,
  prompt: [...ASKED, 'input'],
  completion: ANSWERED,
  text: ['content', 'document', 'body', 'article'],
  system: ['system_prompt']
}

/**
 * The form of a row that a person chose, with the columns that most likely hold its parts: those of the right name, else of a
 * name that data sets use for it, else, for what no row can do without, those that are left, in the order of the file.
 */
export function shapeFor(kind: SampleKind, columns: readonly string[]): SampleShape {
  const parts = PARTS[kind]
  const taken = new Map<string, string>()
  const isFree = (column: string): boolean => columns.includes(column) && ![...taken.values()].includes(column)
  for (const { key } of parts) {
    const named = [key, ...(ALSO_CALLED[key] ?? [])].find(isFree)
    if (named !== undefined) taken.set(key, named)
  }
  for (const { key } of parts.filter(({ key, optional }) => !optional && !taken.has(key)))
    taken.set(key, columns.find(isFree) ?? columns[0] ?? key)
  return { kind, ...Object.fromEntries(taken) } as SampleShape
}
