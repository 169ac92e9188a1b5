import { AppError } from '../../shared/errors'
import { Dict, List, type Value } from '../templates/values'
import type { Conversation } from './conversation'
import type { Span } from './responseMask'

/*
 * Where an assistant's turn stands in a text whose template writes earlier turns in another way when later ones follow: Qwen3 and
 * DeepSeek leave out the reasoning of earlier turns, Phi-3 puts one token more behind the last one, Mistral the system prompt and
 * the tools before the last question. No text up to a turn is a beginning of the whole text there; but what stands around marks
 * in the place of what the turn, and the one before it, says can be compared.
 */

/** Noncharacters of Unicode, which no text holds: for what the turn says, and for what the one before it says. */
const MARK = '\uFDD0'
const EARLIER_MARK = '\uFDD1'

/** A conversation as text; `prompt` adds the beginning of the assistant's next turn. */
export type Render = (conversation: Conversation, prompt?: boolean) => string

interface Turns {
  readonly earlier: readonly Dict[]
  readonly later: readonly Dict[]
  textOf(turns: readonly Dict[], prompt?: boolean): string
}

/**
 * The characters that an assistant's turn adds to the text behind the generation prompt, its end-of-turn token among them.
 *
 * @param text - the whole conversation
 * @returns undefined where it cannot be told
 */
export function spanOfMarkedTurn(
  render: Render,
  conversation: Conversation,
  turn: number,
  text: string
): Span | undefined {
  const { messages } = conversation
  const turns: Turns = {
    earlier: messages.slice(0, turn),
    later: messages.slice(turn + 1),
    textOf: (some, prompt) => render({ ...conversation, messages: some }, prompt)
  }
  for (const marked of markedForms(messages[turn] as Dict, MARK)) {
    const found = unlessRefused(() => textsAround(marked, turns))
    if (found === undefined || !text.startsWith(found.before) || !text.endsWith(found.after)) continue
    const span = { begin: found.before.length, end: text.length - found.after.length }
    if (span.begin <= span.end) return span
  }
  return undefined
}

/** What a template makes of a mark may be that it refuses the conversation. */
function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

interface MarkedTurn {
  readonly message: Dict
  /** Whether all that stands behind the mark ends the turn. */
  readonly isWhole: boolean
}

/** A turn with a mark for its content; and for the first function that it calls, of which some templates write nothing else. */
function markedForms(message: Dict, mark: string): MarkedTurn[] {
  const calls = message.get('tool_calls')
  const part = new Dict([
    ['type', 'text'],
    ['text', mark]
  ])
  const content = message.get('content') instanceof List ? new List([part]) : mark
  const [first, ...others] = calls instanceof List ? calls.items : []
  const said = { message: changed(message, 'content', content), isWhole: first === undefined }
  if (!(first instanceof Dict)) return [said]
  const called = first.get('function')
  const call =
    called instanceof Dict ? changed(first, 'function', changed(called, 'name', mark)) : changed(first, 'name', mark)
  return [said, { message: changed(message, 'tool_calls', new List([call, ...others])), isWhole: false }]
}

const changed = (dict: Dict, key: string, value: Value): Dict => new Dict([...dict.entries(), [key, value]])

interface Around {
  readonly before: string
  readonly after: string
}

/** The whole text before the turn, with its header, and behind its end. */
function textsAround(marked: MarkedTurn, turns: Turns): Around | undefined {
  const { earlier, later, textOf } = turns
  const within = cutAtMark(textOf([...earlier, marked.message, ...later]))
  const last = cutAtMark(textOf([...earlier, marked.message]))
  if (within === undefined || last === undefined) return undefined
  const before = earlier.length === 0 ? '' : withHeader(within.before, marked.message, turns)
  const own = endOfTurn(within.after, last.after, marked.isWhole)
  return before === undefined || own === undefined ? undefined : { before, after: within.after.slice(own) }
}

function cutAtMark(text: string): Around | undefined {
  const [before = '', after, ...others] = text.split(MARK)
  return after === undefined || others.length > 0 ? undefined : { before, after }
}

/** As much of the text before the mark as the generation prompt has too. */
function withHeader(before: string, message: Dict, { earlier, later, textOf }: Turns): string | undefined {
  for (const form of markedForms(earlier.at(-1) as Dict, EARLIER_MARK)) {
    const turns = [...earlier.slice(0, -1), form.message]
    const within = unlessRefused(() => betweenMarks(textOf([...turns, message, ...later])))
    const last = unlessRefused(() => betweenMarks(textOf([...turns, message])))
    const prompted = unlessRefused(() => betweenMarks(textOf(turns, true) + MARK))
    if (within === undefined || last === undefined || prompted === undefined || !before.endsWith(within)) continue
    const header = headerLength(within, last, prompted)
    if (header !== undefined) return before.slice(0, before.length - within.length + header)
  }
  return undefined
}

function betweenMarks(text: string): string | undefined {
  const [, behind, ...others] = text.split(EARLIER_MARK)
  return behind === undefined || others.length > 0 ? undefined : cutAtMark(behind)?.before
}

/** Between the marks, a reasoning may stand behind the header or not, in the whole text and in that which ends with the turn. */
function headerLength(within: string, last: string, prompted: string): number | undefined {
  const length = sharedLength(last, prompted)
  if (length === undefined || within.startsWith(last.slice(0, length))) return length
  return last.startsWith(within) ? within.length : undefined
}

/** How much of what is behind the mark is there too when nothing follows: it belongs to the turn. */
function endOfTurn(within: string, last: string, isWhole: boolean): number | undefined {
  if (within.startsWith(last)) return last.length
  return isWhole ? sharedLength(within, last) : undefined
}

/** How long two texts are the same; where both go on, they do so with tokens in brackets, which may begin alike: `<|user|>` and `</s>`. */
function sharedLength(one: string, other: string): number | undefined {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  if (length === Math.min(one.length, other.length)) return length
  const shared = one.slice(0, length).replace(/[<[{(][^>\])}\s]*$/, '').length
  return shared > 0 && [one, other].every((text) => /[<[{(]/.test(text[shared] as string)) ? shared : undefined
}
