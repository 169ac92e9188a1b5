import { spend } from './budget'
import { TemplateFault } from './fault'
import {
  Dict,
  DictView,
  isNumber,
  itemsOf,
  List,
  Markup,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value
} from './values'

/** a == b. */
export function equal(a: Value, b: Value): boolean {
  spend(1)
  if (isNumber(a) && isNumber(b)) return a <= b && a >= b // exact, also of an int and a float
  if (a instanceof Markup || b instanceof Markup) return plain(a) === plain(b)
  if (a instanceof List && b instanceof List) return sameItems(a.items, b.items)
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items)
  if (a instanceof Undefined && b instanceof Undefined) return true
  if (a instanceof Dict && b instanceof Dict) {
    return a.size === b.size && Array.from(a.entries()).every(([key, value]) => equalIn(b.get(key), value))
  }
  if (a instanceof Range && b instanceof Range) return sameItems(itemsOf(a), itemsOf(b))
  if (a instanceof DictView && b instanceof DictView) return equalViews(a, b)
  return a === b
}

const plain = (value: Value): Value => (value instanceof Markup ? value.text : value)

const equalIn = (found: Value | undefined, value: Value): boolean => found !== undefined && equal(found, value)

const sameItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i] || equal(item, b[i] as Value))

const equalViews = (a: DictView, b: DictView): boolean =>
  a === b ||
  (a.of !== 'values' &&
    b.of === a.of &&
    a.dict.size === b.dict.size &&
    a.items.every((item) => b.items.some((other) => equal(item, other))))

/** a < b. @throws {TemplateFault} where Python cannot order the two */
export function lessThan(a: Value, b: Value): boolean {
  spend(1)
  if (isNumber(a) && isNumber(b)) return a < b
  const [left, right] = [plain(a), plain(b)]
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right) < 0
  if ((a instanceof List && b instanceof List) || (a instanceof Tuple && b instanceof Tuple)) {
    const at = a.items.findIndex((item, i) => i >= b.items.length || !equal(item, b.items[i] as Value))
    if (at < 0) return a.items.length < b.items.length
    return at < b.items.length && lessThan(a.items[at] as Value, b.items[at] as Value)
  }
  throw new TemplateFault(`${typeName(a)} and ${typeName(b)} have no order`)
}

/** The order of code points, in which Python compares; UTF-16 puts the last planes before U+E000. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return planeOrder(left) - planeOrder(right)
  }
  return a.length - b.length
}

/** A UTF-16 unit, those of surrogate pairs behind all others. */
const planeOrder = (unit: number): number => ((unit & 0xf800) === 0xd800 ? unit + 0x10000 : unit)
