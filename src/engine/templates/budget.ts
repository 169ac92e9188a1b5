import { TemplateFault } from './fault'

/*
 * A template may be of anybody, and Jinja's sandbox bounds little: two loops over 100,000 items each never end, and a text
 * that is put behind itself takes all memory. What a rendering does is therefore counted, in the same way on every
 * machine. Rendering never waits, so that one count serves all: that of the rendering under way.
 */

/** Steps of one rendering: a thousand turns that each look at all others take a quarter. It is two seconds of work. */
const MAX_STEPS = 2 ** 24

/** Longest text that a template may make: that of 64 million characters fills no context. */
export const MAX_TEXT = 2 ** 26

/** Characters that cost as much as a step. */
const TEXT_OF_STEP = 16

/** Steps that a list costs beside its items, which are counted where they come from: it takes some hundred bytes. */
export const LIST_STEPS = 8

let given = Number.POSITIVE_INFINITY
let left = given

/** Does a rendering, with steps of its own. @param steps - at most */
export function withBudget<T>(render: () => T, steps = MAX_STEPS): T {
  const before = { given, left }
  given = steps
  left = steps
  try {
    return render()
  } finally {
    given = before.given
    left = before.left
  }
}

/** Counts steps before they are done. @throws {TemplateFault} when the rendering has none left */
export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw new TemplateFault(`the template takes more than ${given} steps for one conversation`)
}

/** The texts as one, counted before it is made. @throws {TemplateFault} as `spendText` */
export function joined(parts: readonly string[], separator = ''): string {
  spendText(parts.reduce((length, part) => length + part.length + separator.length, 0))
  return parts.join(separator)
}

/** Counts a text that was made, or is gone through. @throws {TemplateFault} also for one that is too long */
export function spendText(length: number): void {
  if (length > MAX_TEXT) throw new TemplateFault(`the template makes a text of more than ${MAX_TEXT} characters`)
  spend(length / TEXT_OF_STEP)
}
