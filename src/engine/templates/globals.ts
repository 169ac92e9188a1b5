import type { CalendarDay } from '../../shared/calendarDay'
import { CallArguments, textOf } from './callArguments'
import { notHandled, RaisedByTemplate, TemplateFault } from './fault'
import { str } from './printing'
import { strftime } from './strftime'
import { Callable, Dict, intOf, isInt, itemsOf, type Keywords, Namespace, Range, typeName, type Value } from './values'

/** Jinja's sandbox makes no longer range. */
const MAX_RANGE = 100_000

/** The functions that every template has. */
export function globalsOf(day: CalendarDay): Map<string, Value> {
  const callables: Record<string, (args: readonly Value[], keywords: Keywords) => Value> = {
    range: (args, keywords) => {
      if (keywords.size > 0) throw new TemplateFault('range takes no names')
      return rangeOf(args)
    },
    dict: (args, keywords) => dictOf('dict', args, keywords),
    namespace: (args, keywords) => {
      const attributes = dictOf('namespace', args, keywords)
      for (const name of attributes.keys()) checkAttribute(name)
      return new Namespace(attributes)
    },
    raise_exception: (args, keywords) => {
      const given = new CallArguments('raise_exception', ['message!'], args, keywords)
      throw new RaisedByTemplate(str(given.get('message') as Value))
    },
    strftime_now: (args, keywords) => {
      const given = new CallArguments('strftime_now', ['format!'], args, keywords)
      return strftime(textOf(given.get('format') as Value, 'the format of strftime_now'), day)
    }
  }
  for (const name of ['cycler', 'joiner', 'lipsum']) {
    callables[name] = () => {
      throw notHandled(`the function ${name}`)
    }
  }
  return new Map(Object.entries(callables).map(([name, call]) => [name, new Callable(name, call)]))
}

function rangeOf(args: readonly Value[]): Range {
  const numbers = args.map((value) => {
    if (!isInt(value)) throw new TemplateFault(`range takes integers, not ${typeName(value)}`)
    return intOf(value)
  })
  const [first, second, step = 1n] = numbers
  if (first === undefined || numbers.length > 3) throw new TemplateFault('range takes one to three integers')
  if (step === 0n) throw new TemplateFault('the step of range is zero')
  const range = second === undefined ? new Range(0n, first, 1n) : new Range(first, second, step)
  if (range.length > MAX_RANGE) throw new TemplateFault(`a range of ${range.length} is longer than ${MAX_RANGE}`)
  return range
}

/** dict(mapping or pairs, name=value, …). */
function dictOf(name: string, args: readonly Value[], keywords: Keywords): Dict {
  if (args.length > 1) throw new TemplateFault(`${name} takes one mapping`)
  const [source] = args
  const dict = new Dict(source instanceof Dict ? source.entries() : [])
  if (source !== undefined && !(source instanceof Dict)) {
    for (const pair of itemsOf(source)) {
      const items = itemsOf(pair)
      if (items.length !== 2) throw new TemplateFault(`${name} takes pairs of a key and a value`)
      dict.set(items[0] as Value, items[1] as Value)
    }
  }
  for (const [key, value] of keywords) dict.set(key, value)
  return dict
}

/** @throws {TemplateFault} for an attribute that the sandbox keeps to itself */
export function checkAttribute(name: Value): void {
  if (typeof name === 'string' && name.startsWith('_'))
    throw new TemplateFault(`a namespace may have no attribute ${name}, which begins with an underscore`)
}
