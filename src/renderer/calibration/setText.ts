import type { SampleShape, SetKind, Split } from '../../shared/samples'

export const KIND_LABELS: Readonly<Record<SetKind, string>> = { text: 'text', messages: 'conversations' }

export const SHAPE_LABELS: Readonly<Record<SampleShape['kind'], string>> = {
  messages: 'Messages (role, content)',
  conversations: 'ShareGPT (from, value)',
  instruction: 'Instruction, input, output',
  prompt: 'Prompt, completion',
  text: 'Text'
}

export const SPLIT_LABELS: Readonly<Record<Split, string>> = {
  document: 'Whole file',
  paragraph: 'Paragraphs',
  line: 'Lines'
}

export const setAddress = (name: string): string => `/data/${encodeURIComponent(name)}`

/** Where what is not found may be. */
export const ALL_SETS = { label: 'Go to Data', to: '/data' } as const
