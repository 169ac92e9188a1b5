import type { BinaryOperator, Comparison, ComparisonOperator, Expression } from './nodes'
import { OperandParser } from './operandParser'

const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=']

/** Expressions by their precedence. */
export class ExpressionParser extends OperandParser {
  protected isTupleEnd(end?: string): boolean {
    const { type } = this.now
    return type === 'variable_end' || type === 'block_end' || this.is('operator', ')') || this.is('name', end ?? '')
  }

  /** An expression, or several with commas between them, which are a tuple. */
  protected tuple({ conditions = true, end = '', parentheses = false } = {}): Expression {
    const line = this.now.line
    const items: Expression[] = []
    let isTuple = false
    while (!this.isTupleEnd(end)) {
      items.push(conditions ? this.expression() : this.or())
      if (!this.accept('operator', ',')) break
      isTuple = true
    }
    if (!isTuple && items.length === 1) return items[0] as Expression
    if (!isTuple && !parentheses) this.fail('an expression was expected')
    return { kind: 'tuple', items, line }
  }

  protected expression(): Expression {
    let value = this.or()
    while (this.is('name', 'if')) {
      const line = this.now.line
      this.at++
      const test = this.or()
      const no = this.accept('name', 'else') ? this.expression() : undefined
      value = { kind: 'condition', test, yes: value, no, line }
    }
    return value
  }

  protected or(): Expression {
    let left = this.#and()
    while (this.accept('name', 'or')) left = { kind: 'or', left, right: this.#and(), line: left.line }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.accept('name', 'and')) left = { kind: 'and', left, right: this.#not(), line: left.line }
    return left
  }

  #not(): Expression {
    const { line } = this.now
    if (this.accept('name', 'not')) return { kind: 'not', of: this.#not(), line }
    return this.compare()
  }

  protected compare(): Expression {
    const first = this.#sum()
    const rest: Comparison[] = []
    for (let operator = this.#comparison(); operator !== undefined; operator = this.#comparison())
      rest.push({ operator, value: this.#sum() })
    return rest.length === 0 ? first : { kind: 'compare', first, rest, line: first.line }
  }

  #comparison(): ComparisonOperator | undefined {
    const { type, text } = this.now
    if (type === 'operator' && COMPARISONS.includes(text)) {
      this.at++
      return text as ComparisonOperator
    }
    if (this.accept('name', 'in')) return 'in'
    const next = this.tokens[this.at + 1]
    if (type !== 'name' || text !== 'not' || next?.type !== 'name' || next.text !== 'in') return undefined
    this.at += 2
    return 'not in'
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const parts = [this.#product()]
    while (this.accept('operator', '~')) parts.push(this.#product())
    const [first] = parts as [Expression]
    return parts.length === 1 ? first : { kind: 'concat', parts, line: first.line }
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.unary()))
  }

  #binary(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand()
    for (;;) {
      const operator = operators.find((one) => this.accept('operator', one))
      if (operator === undefined) return left
      left = { kind: 'binary', operator, left, right: operand(), line: left.line }
    }
  }

  protected parenthesized(): Expression {
    return this.tuple({ parentheses: true })
  }
}
