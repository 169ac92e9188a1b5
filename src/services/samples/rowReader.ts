import type { SampleShape } from '../../shared/samples'
import { noRemarks } from './conversations'
import type { Row } from './format'
import { columnsOf, guessShape, keysOf, type Sample, sampleOf, withColumnsBeside } from './shapes'

const KNOWN = 'messages, conversations, instruction + output, prompt + completion, chosen, text or conversation'
/** Columns that are named one by one. */
const NAMED = 8

/** Reads rows one after the other: a shape that nobody gave is guessed, and what is not used is remembered. */
export class RowReader {
  readonly #given: boolean
  readonly #columns = new Set<string>()
  readonly #remarks = noRemarks()
  #shape: SampleShape | undefined

  /** @param shape - which columns hold what; default: guessed from the first rows that tell */
  constructor(shape?: SampleShape) {
    this.#shape = shape
    this.#given = shape !== undefined
  }

  /** As given or guessed, with the columns that were met beside it. */
  get shape(): SampleShape | undefined {
    return this.#shape
  }

  /** Names of all columns that were met. */
  get columns(): string[] {
    return [...this.#columns]
  }

  /** Those of a file's columns that its samples are made of; all where their names do not tell. */
  needed(columns: readonly string[]): readonly string[] {
    const shape = this.#shape ?? guessShape(columns)
    return shape === undefined ? columns : columnsOf(shape)
  }

  sample(row: Row): Sample {
    if ('reason' in row) return row
    const columns = [...row.value.keys()]
    for (const name of columns) this.#columns.add(name)
    this.#shape ??= guessShape(columns)
    if (this.#shape === undefined) return { reason: `no ${KNOWN}; ${keysOf(row.value)}` }
    if (!this.#given) this.#shape = withColumnsBeside(this.#shape, columns)
    const faulty = columnsOf(this.#shape).find((name) => row.faults?.has(name))
    if (faulty !== undefined) return { reason: `"${faulty}" ${row.faults?.get(faulty)}` }
    return sampleOf(row.value, this.#shape, this.#remarks)
  }

  /** What is left out of rows that were used, a sentence each. */
  get notes(): string[] {
    const notes: string[] = []
    const used = this.#shape === undefined ? [] : columnsOf(this.#shape)
    const unused = this.columns.filter((name) => !used.includes(name))
    if (this.#shape !== undefined && unused.length > 0) {
      const more = unused.length > NAMED ? ` and ${unused.length - NAMED} more` : ''
      notes.push(`columns that are not used: ${unused.slice(0, NAMED).join(', ')}${more}`)
    }
    const { parts, media, systems } = this.#remarks
    if (parts > 0) notes.push(`turns whose content is a list of parts, which the chat template gets as it is: ${parts}`)
    if (media > 0) notes.push(`images, sounds and films that are left out of the turns: ${media}`)
    if (systems > 0)
      notes.push(`rows whose system prompt is left out because their turns begin with another one: ${systems}`)
    return notes
  }
}
