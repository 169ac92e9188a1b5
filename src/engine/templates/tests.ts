import { CallArguments } from './callArguments'
import { PREDICATES } from './characters'
import { contains } from './containment'
import { notHandled, TemplateFault } from './fault'
import { calculate } from './numbers'
import { equal, lessThan } from './ordering'
import { percentFormat } from './percentFormat'
import { str } from './printing'
import {
  Attributed,
  Callable,
  Dict,
  isIterable,
  isNumber,
  type Keywords,
  List,
  Markup,
  Range,
  Tuple,
  Undefined,
  type Value
} from './values'

type Test = (value: Value, args: CallArguments) => boolean

const other = (args: CallArguments): Value => args.get('other') as Value

const orderless = (a: Value, b: Value): boolean => !lessThan(a, b) && !equal(a, b)

/** A test of one value, or of two of which the second is `other`. */
const TESTS: Readonly<Record<string, { readonly takes: readonly string[]; readonly holds: Test }>> = {
  ...unary({
    boolean: (value) => typeof value === 'boolean',
    callable: (value) =>
      value instanceof Callable ||
      value instanceof Undefined ||
      (value instanceof Attributed && value.call !== undefined),
    defined: (value) => !(value instanceof Undefined),
    escaped: (value) => value instanceof Markup,
    even: (value) => equal(halved(value), 0n),
    false: (value) => value === false,
    float: (value) => typeof value === 'number',
    integer: (value) => typeof value === 'bigint',
    iterable: (value) => isIterable(value) || value instanceof Attributed,
    lower: (value) => (PREDICATES.islower as (text: string) => boolean)(str(value)),
    mapping: (value) => value instanceof Dict,
    none: (value) => value === null,
    number: isNumber,
    odd: (value) => equal(halved(value), 1n),
    sequence: (value) =>
      typeof value === 'string' || [Undefined, Markup, List, Tuple, Dict, Range].some((type) => value instanceof type),
    string: (value) => typeof value === 'string' || value instanceof Markup,
    true: (value) => value === true,
    undefined: (value) => value instanceof Undefined,
    upper: (value) => (PREDICATES.isupper as (text: string) => boolean)(str(value))
  }),
  ...binary({
    divisibleby: (value, args) => equal(calculate('%', value, other(args)), 0n),
    eq: (value, args) => equal(value, other(args)),
    equalto: (value, args) => equal(value, other(args)),
    '==': (value, args) => equal(value, other(args)),
    ge: (value, args) => !lessThan(value, other(args)),
    gt: (value, args) => orderless(value, other(args)),
    greaterthan: (value, args) => orderless(value, other(args)),
    '>': (value, args) => orderless(value, other(args)),
    '>=': (value, args) => !lessThan(value, other(args)),
    in: (value, args) => contains(other(args), value),
    le: (value, args) => !orderless(value, other(args)),
    lt: (value, args) => lessThan(value, other(args)),
    lessthan: (value, args) => lessThan(value, other(args)),
    '<': (value, args) => lessThan(value, other(args)),
    '<=': (value, args) => !orderless(value, other(args)),
    ne: (value, args) => !equal(value, other(args)),
    '!=': (value, args) => !equal(value, other(args)),
    sameas: (value, args) => sameAs(value, other(args))
  })
}

/** `value % 2`, which formats a text. */
const halved = (value: Value): Value =>
  typeof value === 'string' ? percentFormat(value, 2n) : calculate('%', value, 2n)

function unary(tests: Readonly<Record<string, (value: Value) => boolean>>) {
  return Object.fromEntries(Object.entries(tests).map(([name, holds]) => [name, { takes: [], holds }]))
}

function binary(tests: Readonly<Record<string, Test>>) {
  return Object.fromEntries(Object.entries(tests).map(([name, holds]) => [name, { takes: ['other!'], holds }]))
}

/** `is`: sure of None, True and False alone; whether two equal texts are one object is an accident of Python. */
function sameAs(a: Value, b: Value): boolean {
  if (a === null || b === null || typeof a === 'boolean' || typeof b === 'boolean') return a === b
  if (a === b && typeof a === 'object') return true
  if (typeof a === 'object' || typeof b === 'object') return false
  throw notHandled('the test sameas of texts and numbers')
}

/** `value is name(args)`. @throws {TemplateFault} when there is no such test, or it cannot be made */
export function runTest(name: string, value: Value, args: readonly Value[], keywords: Keywords): boolean {
  if (name === 'filter' || name === 'test') throw notHandled(`the test ${name}`)
  const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined
  if (test === undefined) throw new TemplateFault(`there is no test ${name}`)
  return test.holds(value, new CallArguments(`the test ${name}`, test.takes, args, keywords))
}
