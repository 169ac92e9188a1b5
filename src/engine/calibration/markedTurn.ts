import { AppError } from '../../shared/errors'
import type { Dict } from '../templates/values'
import type { Conversation } from './conversation'
import type { Span } from './responseMask'
import { EARLIER_MARK, MARK, type MarkedTurn, markedForms, markedTurns } from './turnMarks'

/*
 * Where an assistant's turn stands in a text whose template writes earlier turns in another way when later ones follow: Qwen3 and
 * DeepSeek leave out the reasoning of earlier turns, Phi-3 puts one token more behind the last one, gpt-oss and OLMo 3 end it with
 * another token, Mistral puts the system prompt and the tools before the last question. No text up to a turn is a beginning of the
 * whole text there; but what stands around marks in the place of what the turn, and the one before it, says can be compared.
 */

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
  for (const marked of markedTurns(messages[turn] as Dict)) {
    const found = unlessRefused(() => textsAround(marked, turns))
    if (found === undefined || !text.startsWith(found.before) || !text.endsWith(found.after)) continue
    const span = { begin: found.before.length, end: text.length - found.after.length }
    if (span.begin <= span.end) return span
  }
  return undefined
}

/** What a template makes of a mark may be that it refuses the conversation. */
export function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

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
  const own = endOfTurn(within.after, last.after, marked, turns)
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
  const length = sharedHeader(last, prompted)
  if (length !== undefined && within.startsWith(last.slice(0, length))) return length
  return last.startsWith(within) ? within.length : sharedHeader(within, prompted)
}

/** How much of what is behind the mark is there too when nothing follows, or when another answer does: it belongs to the turn. */
function endOfTurn(within: string, last: string, marked: MarkedTurn, turns: Turns): number | undefined {
  if (within.startsWith(last)) return last.length
  const own = endBeforeAnswer(marked, turns)
  if (own !== undefined && within.startsWith(own)) return own.length
  return marked.isWhole ? sharedLength(within, last) : undefined
}

/** What stands between a turn and the header of another one of the assistant's, which is known from the generation prompt. */
function endBeforeAnswer({ message, follower }: MarkedTurn, { earlier, textOf }: Turns): string | undefined {
  const behind = unlessRefused(() => cutAtMark(textOf([...earlier, message, follower]))?.after.split(EARLIER_MARK))
  const prompt = generationPrompt(earlier, textOf)
  const [between, ...others] = behind ?? []
  if (between === undefined || others.length !== 1 || prompt === undefined) return undefined
  const header = Array.from(between, (_, at) => at).find((at) => beginAlike(between.slice(at), prompt))
  return header === undefined ? undefined : between.slice(0, header)
}

const beginAlike = (one: string, other: string): boolean => {
  const shared = sharedHeader(one, other) ?? 0
  return one.slice(0, shared).trim() !== ''
}

/** What a template adds to the turns before an answer when it asks for that; some write an end there that the prompt replaces. */
function generationPrompt(earlier: Turns['earlier'], textOf: Turns['textOf']): string | undefined {
  for (const { message } of earlier.length === 0 ? [] : markedForms(earlier.at(-1) as Dict, MARK)) {
    const turns = [...earlier.slice(0, -1), message]
    const alone = unlessRefused(() => cutAtMark(textOf(turns)))
    const prompted = unlessRefused(() => cutAtMark(textOf(turns, true)))
    const shared = alone && prompted && sharedLength(prompted.after, alone.after)
    if (shared !== undefined) return prompted?.after.slice(shared)
  }
  return undefined
}

/** How long two texts are the same; where both go on, they do so with tokens in brackets, which may begin alike: `<|user|>` and `</s>`. */
function sharedLength(one: string, other: string): number | undefined {
  const shared = sharedTokens(one, other)
  if (shared === one || shared === other) return shared.length
  return shared !== '' && [one, other].every((text) => /[<[{(]/.test(text[shared.length] as string))
    ? shared.length
    : undefined
}

/**
 * The same of the beginnings of two answers, or of an answer and what asks for one: both stand behind one header, so that they may
 * go on behind a token with anything, as `<think>\n` and `<think></think>`.
 */
function sharedHeader(one: string, other: string): number | undefined {
  const shared = sharedTokens(one, other)
  return /[>\])}]\s*$/.test(shared) ? shared.length : sharedLength(one, other)
}

/** What two texts begin with, without a part of a token in brackets. */
function sharedTokens(one: string, other: string): string {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  const shared = one.slice(0, length)
  return length === Math.min(one.length, other.length) ? shared : shared.replace(/[<[{(][^>\])}\s]*$/, '')
}
