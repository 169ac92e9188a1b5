import type { CalendarDay } from './calendarDay'
import type { CalibrateOn, FirstToken, Policy } from './recipe'
import type { ResolvedText } from './runFolder'

export interface PreviewRequest {
  /** Directory of the checkpoint whose tokenizer and template are used. */
  readonly model: string
  /** With an absolute path. */
  readonly text: ResolvedText
  readonly policy: Policy
  readonly context: number
  /** What H would count; default: all. */
  readonly calibrateOn?: CalibrateOn | undefined
  readonly firstToken?: FirstToken | undefined
  /** What the chat template writes as today; default: today. */
  readonly templateDate?: CalendarDay | undefined
  /** Rows that a run would take. */
  readonly rows: number
  /** The row that is shown, from 0; the last when there are fewer. */
  readonly row: number
}

/** One row of tokens as a run would use it. */
export interface TokenPreview {
  /** Rows that the run would get, and that the text could give. */
  readonly rows: number
  readonly available: number
  /** Tokens of those rows that count. */
  readonly tokenCount: number
  readonly row: number
  /** The row's tokens turned back into text, special tokens included. */
  readonly text: string
  readonly tokens: readonly {
    readonly id: number
    readonly text: string
    readonly special: boolean
    /** Behind the end of the sample: masked, counted nowhere. */
    readonly pad: boolean
    /** Why H does not count it although it is a token: it belongs to the other part, or is first in its row. */
    readonly leftOut: 'prompt' | 'response' | 'first' | null
  }[]
  readonly statistics: TokenStatistics
  /** Conversations that are left out: the model's chat template refuses them, or does not tell their responses; null where there are none. */
  readonly refused: NotedSamples | null
  /** Conversations whose lists of parts the template writes as Python prints lists; null where there are none. */
  readonly printed: NotedSamples | null
}

/** Conversations of one text of which something is said. */
export interface NotedSamples {
  readonly count: number
  /** Conversations of the text, those among them. */
  readonly samples: number
  /** What is said of the first of them, with its name. */
  readonly first: string
}

/** Of the whole text. */
export interface TokenStatistics {
  readonly tokens: number
  /** Of samples in tokens; null for packed rows, which know no samples. */
  readonly lengths: { readonly min: number; readonly median: number; readonly p95: number; readonly max: number } | null
}
