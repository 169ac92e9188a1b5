import { contains } from './containment'
import { TemplateFault } from './fault'
import { undefinedUse } from './lookup'
import type { BinaryOperator, ComparisonOperator } from './nodes'
import { calculate } from './numbers'
import { equal, lessThan } from './ordering'
import { percentFormat } from './percentFormat'
import { intOf, isInt, typeName, Undefined, type Value } from './values'

/** `-value` and `+value`. */
export function signed(kind: 'negative' | 'positive', value: Value): Value {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (isInt(value)) return kind === 'negative' ? -intOf(value) : intOf(value)
  if (typeof value === 'number') return kind === 'negative' ? -value : value
  throw new TemplateFault(`${typeName(value)} has no sign`)
}

/** `left operator right` of numbers, texts and lists. */
export function operated(operator: BinaryOperator, left: Value, right: Value): Value {
  if (left instanceof Undefined) throw undefinedUse(left)
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right)
  if (right instanceof Undefined) throw undefinedUse(right)
  return calculate(operator, left, right)
}

/** `left operator right`, which is true or false. */
export function compared(operator: ComparisonOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case 'in':
      return contains(right, left)
    case 'not in':
      return !contains(right, left)
    default:
      return inOrder(operator, left, right)
  }
}

function inOrder(operator: '<' | '<=' | '>' | '>=', left: Value, right: Value): boolean {
  const strange = [left, right].find((value) => value instanceof Undefined)
  if (strange instanceof Undefined) throw undefinedUse(strange)
  const [low, high] = operator.startsWith('<') ? [left, right] : [right, left]
  return lessThan(low, high) || (operator.endsWith('=') && equal(left, right))
}
