import { AppError, badInput } from '../../shared/errors'
import { plural } from '../../shared/plural'
import type { NotedSamples } from '../../shared/tokenPreview'

/**
 * A template's own refusal of one conversation, by raise_exception, or that it writes one of which the responses cannot be told:
 * others of the same text may well be taken.
 */
export class RefusedConversation extends AppError {
  constructor(message: string) {
    super('BAD_INPUT', message)
  }
}

/**
 * Leaves out what a template refuses and counts it. Sets of conversations hold some that begin with an answer, or two of one
 * role in a row, beside thousands that a template takes; a trainer leaves them out too.
 */
export class RefusalCount {
  /** Numbers of samples: a text may be read more than once. */
  readonly #refused = new Set<number>()
  #samples = 0
  #first: string | undefined

  /** What the work makes of a sample, numbered from 1; undefined where the template refuses it. */
  unlessRefused<T>(number: number, work: () => T): T | undefined {
    this.#samples = Math.max(this.#samples, number)
    try {
      return work()
    } catch (error) {
      if (!(error instanceof RefusedConversation)) throw error
      this.#refused.add(number)
      this.#first ??= error.message
      return undefined
    }
  }

  /** What was left out; undefined where nothing was. @throws {AppError} BAD_INPUT where nothing is left */
  found(): NotedSamples | undefined {
    if (this.#first === undefined) return undefined
    const [count, samples] = [this.#refused.size, this.#samples]
    if (count < samples) return { count, samples, first: this.#first }
    throw badInput(samples === 1 ? this.#first : `${this.#first}; so it is with all ${plural(samples, 'conversation')}`)
  }
}
