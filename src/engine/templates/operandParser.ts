import { TemplateFault } from './fault'
import type { Arguments, Expression, Slice } from './nodes'
import { parseInteger } from './numbers'
import { shown, TokenCursor } from './tokenCursor'

/** Operands: a constant, a name or what stands in brackets, with all that may follow it. */
export abstract class OperandParser extends TokenCursor {
  /** An expression, with the conditions that may follow it. */
  protected abstract expression(): Expression
  /** What stands in parentheses: an expression, or a tuple. */
  protected abstract parenthesized(): Expression

  protected unary(withFilter = true): Expression {
    const { line } = this.now
    let value: Expression
    if (this.accept('operator', '-')) value = { kind: 'negative', of: this.unary(false), line }
    else if (this.accept('operator', '+')) value = { kind: 'positive', of: this.unary(false), line }
    else value = this.primary()
    value = this.postfix(value)
    return withFilter ? this.#filtersAndTests(value) : value
  }

  protected primary(): Expression {
    const { type, text, line } = this.now
    if (type === 'name') {
      this.at++
      return Object.hasOwn(CONSTANTS, text)
        ? { kind: 'constant', value: CONSTANTS[text] as null | boolean, line }
        : { kind: 'name', name: text, line }
    }
    if (type === 'string') {
      let value = ''
      for (; this.now.type === 'string'; this.at++) value += this.now.text
      return { kind: 'constant', value, line }
    }
    if (type === 'integer' || type === 'float') {
      this.at++
      return { kind: 'constant', value: numberOf(type, text), line }
    }
    if (this.accept('operator', '(')) {
      const value = this.parenthesized()
      this.operator(')')
      return value
    }
    if (this.accept('operator', '[')) return { kind: 'list', items: this.listed(']', () => this.expression()), line }
    if (this.accept('operator', '{')) return { kind: 'dict', entries: this.listed('}', () => this.#entry()), line }
    return this.fail(`${shown(this.now)} stands where an expression was expected`)
  }

  #entry(): readonly [Expression, Expression] {
    const key = this.expression()
    this.operator(':')
    return [key, this.expression()]
  }

  /** Items with commas between them, up to the closing sign; one comma may follow the last. */
  protected listed<T>(closing: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.accept('operator', closing)) {
      if (items.length > 0) {
        this.operator(',')
        if (this.accept('operator', closing)) break
      }
      items.push(item())
    }
    return items
  }

  protected postfix(start: Expression): Expression {
    let value = start
    for (;;) {
      const { line } = this.now
      if (this.accept('operator', '.')) value = this.#attribute(value, line)
      else if (this.accept('operator', '[')) value = { kind: 'item', of: value, key: this.#subscript(line), line }
      else if (this.is('operator', '(')) value = { kind: 'call', callee: value, args: this.arguments(), line }
      else return value
    }
  }

  #attribute(of: Expression, line: number): Expression {
    const { type, text } = this.now
    if (type !== 'integer') return { kind: 'attribute', of, name: this.name(), line }
    this.at++
    return { kind: 'item', of, key: { kind: 'constant', value: numberOf(type, text), line }, line }
  }

  #subscript(line: number): Expression | Slice {
    const keys = this.listed(']', () => this.#subscribed())
    const [first] = keys
    if (keys.length === 1) return first as Expression | Slice
    const items = keys.filter((key): key is Expression => key.kind !== 'slice')
    if (items.length < keys.length) throw new TemplateFault('an index of several slices has no meaning', line)
    return { kind: 'tuple', items, line }
  }

  #subscribed(): Expression | Slice {
    const ends = (): boolean => [':', ']', ','].some((sign) => this.is('operator', sign))
    const part = (): Expression | undefined => (ends() ? undefined : this.expression())
    const start = part()
    if (!this.accept('operator', ':')) {
      if (start === undefined) this.fail('an index was expected')
      return start as Expression
    }
    const stop = part()
    return { kind: 'slice', start, stop, step: this.accept('operator', ':') ? part() : undefined }
  }

  #filtersAndTests(start: Expression): Expression {
    let value = start
    for (;;) {
      const { line } = this.now
      if (this.is('operator', '|')) value = this.filters(value, false) as Expression
      else if (this.accept('name', 'is')) value = this.#test(value, line)
      else if (this.is('operator', '(')) value = { kind: 'call', callee: value, args: this.arguments(), line }
      else return value
    }
  }

  /** One filter behind another; `of` is missing where a block is filtered, whose first filter has no bar before it. */
  protected filters(of: Expression | undefined, inline: boolean): Expression | undefined {
    let value = of
    for (let first = inline; first || this.is('operator', '|'); first = false) {
      if (!first) this.at++
      const { line } = this.now
      const name = this.dotted()
      value = { kind: 'filter', of: value, name, args: this.optionalArguments(), line }
    }
    return value
  }

  #test(of: Expression, line: number): Expression {
    const negated = this.accept('name', 'not')
    const name = this.dotted()
    const test: Expression = { kind: 'test', of, name, args: this.#testArguments(), line }
    return negated ? { kind: 'not', of: test, line } : test
  }

  /** `is divisibleby(3)`, or `is divisibleby 3`. */
  #testArguments(): Arguments {
    const { type, text } = this.now
    if (this.is('operator', '(')) return this.arguments()
    const takes =
      type === 'name' ? !['else', 'or', 'and'].includes(text) : ['string', 'integer', 'float'].includes(type)
    if (!takes && !(type === 'operator' && ['[', '{'].includes(text))) return NO_ARGUMENTS
    if (type === 'name' && text === 'is') this.fail('tests cannot be chained')
    return { ...NO_ARGUMENTS, positional: [this.postfix(this.primary())] }
  }

  protected dotted(): string {
    let name = this.name()
    while (this.accept('operator', '.')) name += `.${this.name()}`
    return name
  }

  protected optionalArguments(): Arguments {
    return this.is('operator', '(') ? this.arguments() : NO_ARGUMENTS
  }

  protected arguments(): Arguments {
    const positional: Expression[] = []
    const keywords: (readonly [string, Expression])[] = []
    let spread: Expression | undefined
    let keywordSpread: Expression | undefined
    const fits = (holds: boolean): void => {
      if (!holds) this.fail('the arguments of the call are in an order that has no meaning')
    }
    this.operator('(')
    this.listed(')', () => {
      if (this.accept('operator', '*')) {
        fits(spread === undefined && keywordSpread === undefined)
        spread = this.expression()
      } else if (this.accept('operator', '**')) {
        fits(keywordSpread === undefined)
        keywordSpread = this.expression()
      } else if (this.now.type === 'name' && this.tokens[this.at + 1]?.text === '=' && this.#nextIsOperator()) {
        fits(keywordSpread === undefined)
        const name = this.name()
        this.at++
        keywords.push([name, this.expression()])
      } else {
        fits(spread === undefined && keywordSpread === undefined && keywords.length === 0)
        positional.push(this.expression())
      }
    })
    return { positional, keywords, spread, keywordSpread }
  }

  #nextIsOperator(): boolean {
    return this.tokens[this.at + 1]?.type === 'operator'
  }
}

const NO_ARGUMENTS: Arguments = { positional: [], keywords: [], spread: undefined, keywordSpread: undefined }

export const CONSTANTS: Readonly<Record<string, null | boolean>> = {
  ...{ true: true, True: true, false: false, False: false },
  ...{ none: null, None: null }
}

function numberOf(type: 'integer' | 'float', text: string): bigint | number {
  const digits = text.replaceAll('_', '')
  return type === 'float' ? Number(digits) : (parseInteger(digits, 0) as bigint)
}
