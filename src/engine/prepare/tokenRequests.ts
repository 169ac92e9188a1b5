import type { CalendarDay } from '../../shared/calendarDay'
import type { RebuiltFacts } from '../../shared/inspection'
import type { Recipe } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import type { TokenRows } from '../calibration/rows'
import type { TokenizerTables } from '../calibration/tokenizerDefinition'

export interface EvaluationText {
  readonly name: string
  readonly rows: TokenRows
}

export interface RunTexts {
  readonly calibration: readonly ResolvedText[]
  readonly evaluation: readonly ResolvedText[]
}

export interface TokenizedTexts {
  /** Where the recipe asks how many rows are enough, the most that it could be. */
  readonly calibration: TokenRows
  /** Other numbers and choices of calibration rows of the same texts; missing where nobody asks for them. */
  readonly cutCalibration?: ((rows: number, draw: number) => Promise<TokenRows>) | undefined
  readonly evaluation: readonly EvaluationText[]
  /** The most bytes of a text, in one piece or several, that were tokenized at a time. */
  readonly bytesAtATime: number
  /** Of the tokenizer; missing where none was opened. */
  readonly tables?: TokenizerTables | undefined
  /** The day that the chat template wrote as today; missing where it writes none. */
  readonly renderedAsOf?: CalendarDay | undefined
  /** Where AutoTokenizer of transformers 5 cuts texts otherwise. */
  readonly rebuilt?: RebuiltFacts | undefined
  /** The token that the tokenizer puts at the beginning of texts, where no row of some text has it. */
  readonly missingBegin?: string | undefined
}

/** What is tokenized for a recipe. */
export interface TokenizeRequest {
  readonly recipe: Recipe
  readonly texts: RunTexts
  /** Where relative paths of texts begin. */
  readonly folder: string
  readonly vocabularySize: number
  /** What chat templates write as today. */
  readonly day: CalendarDay
}
