import { Dict, List, type Value } from '../templates/values'

/** Noncharacters of Unicode, which no text holds: for what the turn says, and for what the one before it says. */
export const MARK = '\uFDD0'
export const EARLIER_MARK = '\uFDD1'

/** What ends a reasoning within a content. */
const THOUGHT = '</think>'

/** A turn with a mark in the place of something that it says. */
export interface MarkedTurn {
  readonly message: Dict
  /** The same with the other mark: a turn that may follow it. */
  readonly follower: Dict
  /** Whether all that stands behind the mark ends the turn. */
  readonly isWhole: boolean
}

/** The forms of a turn that may be found again in what a template makes of it. */
export function markedTurns(message: Dict): MarkedTurn[] {
  const followers = markedForms(message, EARLIER_MARK)
  return markedForms(message, MARK).map((form, i) => ({ ...form, follower: (followers[i] ?? form).message }))
}

/**
 * A turn with a mark for its content; for the name of the first function that it calls, of which some templates write nothing
 * else; and for what that function is given, where a template writes its name once more beside the result.
 */
export function markedForms(message: Dict, mark: string): Omit<MarkedTurn, 'follower'>[] {
  const calls = message.get('tool_calls')
  const part = new Dict([
    ['type', 'text'],
    ['text', mark]
  ])
  const content = message.get('content') instanceof List ? new List([part]) : mark
  const [first, ...others] = calls instanceof List ? calls.items : []
  const isWhole = first === undefined
  const said = [content, ...reasonedMark(message.get('content'), mark)].map((value) => ({
    message: changed(message, 'content', value),
    isWhole
  }))
  if (!(first instanceof Dict)) return said
  const called = markedCalls(first, mark).map((call) => ({
    message: changed(message, 'tool_calls', new List([call, ...others])),
    isWhole
  }))
  return [...said, ...called]
}

/** A mark behind the reasoning within a content, which some templates take out of it, and write an empty one where there is none. */
function reasonedMark(content: Value | undefined, mark: string): string[] {
  if (typeof content !== 'string' || !content.includes(THOUGHT)) return []
  return [content.slice(0, content.lastIndexOf(THOUGHT) + THOUGHT.length) + mark]
}

function markedCalls(call: Dict, mark: string): Dict[] {
  const nested = call.get('function')
  const called = nested instanceof Dict ? nested : call
  const given = called.get('arguments')
  const [name] = given instanceof Dict ? given.keys() : []
  const marked = [changed(called, 'name', mark)]
  if (given instanceof Dict && typeof name === 'string')
    marked.push(changed(called, 'arguments', changed(given, name, mark)))
  return marked.map((one) => (nested instanceof Dict ? changed(call, 'function', one) : one))
}

const changed = (dict: Dict, key: string, value: Value): Dict => new Dict([...dict.entries(), [key, value]])
