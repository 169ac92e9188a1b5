import { z } from 'zod'

/*
 * How the rows of a user's file become samples. Shared by the importer, the command line and the window's import form.
 */

/** Where files with rows become sets of samples. */
export const IMPORT_PLACES = 'quail calibration import, or Data in the window'

export const SPLITS = ['document', 'paragraph', 'line'] as const
export const Split = z.enum(SPLITS)
export type Split = z.infer<typeof Split>

export const SAMPLE_KINDS = ['messages', 'conversations', 'instruction', 'prompt', 'text'] as const
export const SampleKind = z.enum(SAMPLE_KINDS)
export type SampleKind = z.infer<typeof SampleKind>

const Column = z.string().min(1)

/** Columns beside the turns of a conversation: its system turn, and what its model may call and read. */
const beside = { system: Column.optional(), tools: Column.optional(), documents: Column.optional() }

/** Which column of a row holds what. Kinds beside `text` give conversations, which a model's own template renders. */
export const SampleShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('messages'), messages: Column, ...beside }),
  z.strictObject({ kind: z.literal('conversations'), conversations: Column, ...beside }),
  z.strictObject({
    kind: z.literal('instruction'),
    instruction: Column,
    input: Column.optional(),
    output: Column,
    history: Column.optional(),
    ...beside
  }),
  z.strictObject({ kind: z.literal('prompt'), prompt: Column, completion: Column, ...beside }),
  z.strictObject({ kind: z.literal('text'), text: Column })
])
export type SampleShape = z.infer<typeof SampleShape>

/** One turn of a stored conversation, as people are shown it: chat templates take more. */
export const ChatMessage = z.looseObject({
  role: z.string().min(1),
  content: z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown()), z.null()]).optional(),
  tool_calls: z.array(z.unknown()).nullish()
})
export type ChatMessage = z.infer<typeof ChatMessage>

/** A stored conversation: its turns alone, or with what stands beside them. */
export const StoredConversation = z.union([
  z.array(ChatMessage),
  z.looseObject({ messages: z.array(ChatMessage), tools: z.array(z.unknown()).optional() })
])

/** A row of a file that gives no sample, counted from 1: the line of a .jsonl, the record of a table. */
export interface BadRow {
  readonly row: number
  readonly reason: string
}

/** Some of the samples, chosen by chance that a seed repeats. */
export const Sampling = z.strictObject({ count: z.int().min(1), seed: z.int().min(0).default(0) })
export type Sampling = z.infer<typeof Sampling>

/** What part of a set is kept for evaluation, and the seed of the chance that chooses it. */
export const HoldOut = z.strictObject({ share: z.number().gt(0).lt(1).default(0.1), seed: z.int().min(0).default(0) })
export type HoldOut = z.infer<typeof HoldOut>

/** What samples of a set are: text as it stands, or conversations. */
export type SetKind = 'text' | 'messages'

/** What the beginning of a file shows, before anything is stored. */
export interface SampleInspection {
  readonly path: string
  readonly name: string
  readonly bytes: number
  readonly format: string
  /** By gzip: its rows are more than its bytes tell. */
  readonly packed: boolean
  /** Whether it is cut as plain text rather than by its rows. */
  readonly plainText: boolean
  readonly columns: readonly string[]
  /** As given, else guessed; null when the columns are none that are known. */
  readonly shape: SampleShape | null
  readonly kind: SetKind | null
  /** The first samples, cut off; conversations as JSON. */
  readonly samples: readonly { readonly row: number; readonly text: string }[]
  /** Among the rows that were looked at, as are the notes. */
  readonly badRows: readonly BadRow[]
  readonly notes: readonly string[]
  readonly rowsRead: number
}
