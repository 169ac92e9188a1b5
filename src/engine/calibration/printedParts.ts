import type { NotedSamples } from '../../shared/tokenPreview'
import { str } from '../templates/printing'
import { List } from '../templates/values'
import type { Conversation } from './conversation'

/** Characters of a list that are shown in a message. */
const SHOWN = 60

/**
 * Counts conversations in which a template that reads texts alone writes a list of parts as Python prints lists: brackets, quotes
 * and the names of keys among the words. apply_chat_template does the same, so that a trainer gets the same tokens, but nobody
 * means them.
 */
export class PrintedParts {
  /** Numbers of samples: a text may be read more than once. */
  readonly #found = new Set<number>()
  #samples = 0
  #first: string | undefined

  /** @param number - of the sample, from 1. @param text - what the template makes of it. @param where - names it */
  look(number: number, { messages }: Conversation, text: string, where: string): void {
    this.#samples = Math.max(this.#samples, number)
    for (const [turn, message] of messages.entries()) {
      const content = message.get('content')
      if (!(content instanceof List)) continue
      const printed = str(content)
      if (!text.includes(printed)) continue
      this.#found.add(number)
      this.#first ??= `${where}, turn ${turn + 1}: ${printed.length > SHOWN ? `${printed.slice(0, SHOWN)}…` : printed}`
    }
  }

  /** What was found; undefined where nothing was. */
  found(): NotedSamples | undefined {
    return this.#first === undefined
      ? undefined
      : { count: this.#found.size, samples: this.#samples, first: this.#first }
  }
}
