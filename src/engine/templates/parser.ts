import { TemplateFault } from './fault'
import { type Token, type TokenType, tokenize } from './lexer'
import type {
  Arguments,
  BinaryOperator,
  Body,
  Comparison,
  ComparisonOperator,
  Expression,
  Parameter,
  Slice,
  Statement,
  Target
} from './nodes'
import { parseInteger } from './numbers'

/*
 * Jinja's grammar with the extensions of transformers: loop controls and {% generation %}.
 */

/** Tags that Jinja knows, but that need other templates, or escaping that chats do not have. */
const OTHER_TAGS = ['block', 'extends', 'include', 'import', 'from', 'autoescape']
const CONSTANTS: Readonly<Record<string, null | boolean>> = {
  ...{ true: true, True: true, false: false, False: false },
  ...{ none: null, None: null }
}
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=']

/** @throws {TemplateFault} with the line, for what is no template or not handled */
export function parseTemplate(template: string): Body {
  try {
    return new Parser(tokenize(template)).template()
  } catch (error) {
    throw error instanceof RangeError ? new TemplateFault('it is nested too deep') : error
  }
}

class Parser {
  #at = 0

  constructor(private readonly tokens: readonly Token[]) {}

  template(): Body {
    const body = this.#body([])
    if (this.#now.type !== 'end') this.#fail(`{% ${this.#now.text} %} closes nothing`)
    return body
  }

  /** Statements up to a tag of one of these names, of which the name is next; up to the end where there are none. */
  #body(ends: readonly string[]): Body {
    const opened = this.tokens[this.#at - 1]?.line
    const statements: Statement[] = []
    for (;;) {
      const { type, text, line } = this.#now
      if (type === 'end') {
        if (ends.length > 0) throw new TemplateFault(`the tag is not closed: {% ${ends.at(-1)} %} is missing`, opened)
        return statements
      }
      this.#at++
      if (type === 'data') statements.push({ kind: 'text', text, line })
      else if (type === 'variable_begin') {
        statements.push({ kind: 'output', values: [this.#tuple()], line })
        this.#expect('variable_end')
      } else {
        if (this.#now.type === 'name' && (ends.includes(this.#now.text) || isEnd(this.#now.text))) return statements
        statements.push(this.#statement())
        this.#expect('block_end')
      }
    }
  }

  /** What a tag encloses: from the end of its opening to behind the name of its closing one, which is returned. */
  #enclosed(...ends: string[]): { body: Body; end: string } {
    if (this.#is('operator', ':')) this.#at++
    this.#expect('block_end')
    const body = this.#body(ends)
    const end = this.#name()
    if (!ends.includes(end)) this.#fail(`{% ${end} %} stands where {% ${ends.at(-1)} %} was expected`, -1)
    return { body, end }
  }

  #statement(): Statement {
    const line = this.#now.line
    const tag = this.#name()
    switch (tag) {
      case 'for':
        return { ...this.#for(), line }
      case 'if':
        return { ...this.#if(), line }
      case 'set':
        return { ...this.#set(), line }
      case 'with':
        return { ...this.#with(), line }
      case 'macro': {
        const name = this.#name()
        const parameters = this.#parameters()
        return { kind: 'macro', name, parameters, body: this.#enclosed('endmacro').body, line }
      }
      case 'call': {
        const parameters = this.#is('operator', '(') ? this.#parameters() : []
        const call = this.#expression()
        if (call.kind !== 'call') throw new TemplateFault('{% call %} needs the call of a macro', line)
        return { kind: 'callBlock', parameters, call, body: this.#enclosed('endcall').body, line }
      }
      case 'filter': {
        const filter = this.#filters(undefined, true) as Expression
        return { kind: 'filterBlock', filter, body: this.#enclosed('endfilter').body, line }
      }
      case 'generation':
        return { kind: 'generation', body: this.#enclosed('endgeneration').body, line }
      case 'print': {
        const values: Expression[] = []
        while (this.#now.type !== 'block_end') {
          if (values.length > 0) this.#operator(',')
          values.push(this.#expression())
        }
        return { kind: 'output', values, line }
      }
      case 'break':
      case 'continue':
        return { kind: tag, line }
      default:
        throw new TemplateFault(
          OTHER_TAGS.includes(tag) ? `the tag {% ${tag} %} is not handled by Quail` : `there is no tag {% ${tag} %}`,
          line
        )
    }
  }

  #for() {
    const target = this.#target('in')
    this.#keyword('in')
    const of = this.#tuple({ conditions: false, end: 'recursive' })
    const test = this.#accept('name', 'if') ? this.#expression() : undefined
    const recursive = this.#accept('name', 'recursive')
    const { body, end } = this.#enclosed('else', 'endfor')
    const otherwise = end === 'else' ? this.#enclosed('endfor').body : []
    return { kind: 'for', target, of, test, recursive, body, otherwise } as const
  }

  #if() {
    const branches: { test: Expression; body: Body }[] = []
    for (;;) {
      const test = this.#tuple({ conditions: false })
      const { body, end } = this.#enclosed('elif', 'else', 'endif')
      branches.push({ test, body })
      if (end === 'elif') continue
      const otherwise = end === 'else' ? this.#enclosed('endif').body : []
      return { kind: 'if', branches, otherwise } as const
    }
  }

  #set() {
    const target = this.#target()
    if (this.#accept('operator', '=')) return { kind: 'set', target, value: this.#tuple() } as const
    const filter = this.#is('operator', '|') ? this.#filters(undefined, false) : undefined
    return { kind: 'setBlock', target, filter, body: this.#enclosed('endset').body } as const
  }

  #with() {
    const values: { target: Target; value: Expression }[] = []
    while (this.#now.type !== 'block_end') {
      if (values.length > 0) this.#operator(',')
      const target = this.#target()
      this.#operator('=')
      values.push({ target, value: this.#expression() })
    }
    return { kind: 'with', values, body: this.#enclosed('endwith').body } as const
  }

  #parameters(): Parameter[] {
    const parameters: Parameter[] = []
    this.#operator('(')
    while (!this.#is('operator', ')')) {
      if (parameters.length > 0) this.#operator(',')
      const name = this.#name()
      const fallback = this.#accept('operator', '=') ? this.#expression() : undefined
      if (fallback === undefined && parameters.at(-1)?.fallback !== undefined)
        this.#fail('a parameter without a default follows one with a default', -1)
      parameters.push({ name, fallback })
    }
    this.#operator(')')
    return parameters
  }

  /** Names, tuples of them, or an attribute of a namespace. */
  #target(end?: string): Target {
    const line = this.#now.line
    const items: Target[] = []
    let isTuple = false
    while (!this.#isTupleEnd(end)) {
      items.push(this.#oneTarget())
      if (!this.#accept('operator', ',')) break
      isTuple = true
    }
    if (!isTuple && items.length === 1) return items[0] as Target
    if (items.length === 0) this.#fail('a name was expected')
    return { kind: 'tuple', items, line }
  }

  #oneTarget(): Target {
    const line = this.#now.line
    if (this.#accept('operator', '(')) {
      const target = this.#target()
      this.#operator(')')
      return target
    }
    const name = this.#name()
    if (Object.hasOwn(CONSTANTS, name)) this.#fail(`${name} cannot be assigned to`, -1)
    if (this.#accept('operator', '.')) return { kind: 'namespace', name, attribute: this.#name(), line }
    return { kind: 'name', name, line }
  }

  #isTupleEnd(end?: string): boolean {
    const { type } = this.#now
    return type === 'variable_end' || type === 'block_end' || this.#is('operator', ')') || this.#is('name', end ?? '')
  }

  /** An expression, or several with commas between them, which are a tuple. */
  #tuple({ conditions = true, end = '', parentheses = false } = {}): Expression {
    const line = this.#now.line
    const items: Expression[] = []
    let isTuple = false
    while (!this.#isTupleEnd(end)) {
      items.push(conditions ? this.#expression() : this.#or())
      if (!this.#accept('operator', ',')) break
      isTuple = true
    }
    if (!isTuple && items.length === 1) return items[0] as Expression
    if (!isTuple && !parentheses) this.#fail('an expression was expected')
    return { kind: 'tuple', items, line }
  }

  #expression(): Expression {
    let value = this.#or()
    while (this.#is('name', 'if')) {
      const line = this.#now.line
      this.#at++
      const test = this.#or()
      const no = this.#accept('name', 'else') ? this.#expression() : undefined
      value = { kind: 'condition', test, yes: value, no, line }
    }
    return value
  }

  #or(): Expression {
    let left = this.#and()
    while (this.#accept('name', 'or')) left = { kind: 'or', left, right: this.#and(), line: left.line }
    return left
  }

  #and(): Expression {
    let left = this.#not()
    while (this.#accept('name', 'and')) left = { kind: 'and', left, right: this.#not(), line: left.line }
    return left
  }

  #not(): Expression {
    const { line } = this.#now
    if (this.#accept('name', 'not')) return { kind: 'not', of: this.#not(), line }
    return this.#compare()
  }

  #compare(): Expression {
    const first = this.#sum()
    const rest: Comparison[] = []
    for (let operator = this.#comparison(); operator !== undefined; operator = this.#comparison())
      rest.push({ operator, value: this.#sum() })
    return rest.length === 0 ? first : { kind: 'compare', first, rest, line: first.line }
  }

  #comparison(): ComparisonOperator | undefined {
    const { type, text } = this.#now
    if (type === 'operator' && COMPARISONS.includes(text)) {
      this.#at++
      return text as ComparisonOperator
    }
    if (this.#accept('name', 'in')) return 'in'
    const next = this.tokens[this.#at + 1]
    if (type !== 'name' || text !== 'not' || next?.type !== 'name' || next.text !== 'in') return undefined
    this.#at += 2
    return 'not in'
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const parts = [this.#product()]
    while (this.#accept('operator', '~')) parts.push(this.#product())
    const [first] = parts as [Expression]
    return parts.length === 1 ? first : { kind: 'concat', parts, line: first.line }
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.#unary()))
  }

  #binary(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand()
    for (;;) {
      const operator = operators.find((one) => this.#accept('operator', one))
      if (operator === undefined) return left
      left = { kind: 'binary', operator, left, right: operand(), line: left.line }
    }
  }

  #unary(withFilter = true): Expression {
    const { line } = this.#now
    let value: Expression
    if (this.#accept('operator', '-')) value = { kind: 'negative', of: this.#unary(false), line }
    else if (this.#accept('operator', '+')) value = { kind: 'positive', of: this.#unary(false), line }
    else value = this.#primary()
    value = this.#postfix(value)
    return withFilter ? this.#filtersAndTests(value) : value
  }

  #primary(): Expression {
    const { type, text, line } = this.#now
    if (type === 'name') {
      this.#at++
      return Object.hasOwn(CONSTANTS, text)
        ? { kind: 'constant', value: CONSTANTS[text] as null | boolean, line }
        : { kind: 'name', name: text, line }
    }
    if (type === 'string') {
      let value = ''
      for (; this.#now.type === 'string'; this.#at++) value += this.#now.text
      return { kind: 'constant', value, line }
    }
    if (type === 'integer' || type === 'float') {
      this.#at++
      return { kind: 'constant', value: numberOf(type, text), line }
    }
    if (this.#accept('operator', '(')) {
      const value = this.#tuple({ parentheses: true })
      this.#operator(')')
      return value
    }
    if (this.#accept('operator', '[')) return { kind: 'list', items: this.#listed(']', () => this.#expression()), line }
    if (this.#accept('operator', '{')) return { kind: 'dict', entries: this.#listed('}', () => this.#entry()), line }
    return this.#fail(`${shown(this.#now)} stands where an expression was expected`)
  }

  #entry(): readonly [Expression, Expression] {
    const key = this.#expression()
    this.#operator(':')
    return [key, this.#expression()]
  }

  /** Items with commas between them, up to the closing sign; one comma may follow the last. */
  #listed<T>(closing: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.#accept('operator', closing)) {
      if (items.length > 0) {
        this.#operator(',')
        if (this.#accept('operator', closing)) break
      }
      items.push(item())
    }
    return items
  }

  #postfix(start: Expression): Expression {
    let value = start
    for (;;) {
      const { line } = this.#now
      if (this.#accept('operator', '.')) value = this.#attribute(value, line)
      else if (this.#accept('operator', '[')) value = { kind: 'item', of: value, key: this.#subscript(line), line }
      else if (this.#is('operator', '(')) value = { kind: 'call', callee: value, args: this.#arguments(), line }
      else return value
    }
  }

  #attribute(of: Expression, line: number): Expression {
    const { type, text } = this.#now
    if (type !== 'integer') return { kind: 'attribute', of, name: this.#name(), line }
    this.#at++
    return { kind: 'item', of, key: { kind: 'constant', value: numberOf(type, text), line }, line }
  }

  #subscript(line: number): Expression | Slice {
    const keys = this.#listed(']', () => this.#subscribed())
    const [first] = keys
    if (keys.length === 1) return first as Expression | Slice
    const items = keys.filter((key): key is Expression => key.kind !== 'slice')
    if (items.length < keys.length) throw new TemplateFault('an index of several slices has no meaning', line)
    return { kind: 'tuple', items, line }
  }

  #subscribed(): Expression | Slice {
    const ends = (): boolean => [':', ']', ','].some((sign) => this.#is('operator', sign))
    const part = (): Expression | undefined => (ends() ? undefined : this.#expression())
    const start = part()
    if (!this.#accept('operator', ':')) {
      if (start === undefined) this.#fail('an index was expected')
      return start as Expression
    }
    const stop = part()
    return { kind: 'slice', start, stop, step: this.#accept('operator', ':') ? part() : undefined }
  }

  #filtersAndTests(start: Expression): Expression {
    let value = start
    for (;;) {
      const { line } = this.#now
      if (this.#is('operator', '|')) value = this.#filters(value, false) as Expression
      else if (this.#accept('name', 'is')) value = this.#test(value, line)
      else if (this.#is('operator', '(')) value = { kind: 'call', callee: value, args: this.#arguments(), line }
      else return value
    }
  }

  /** One filter behind another; `of` is missing where a block is filtered, whose first filter has no bar before it. */
  #filters(of: Expression | undefined, inline: boolean): Expression | undefined {
    let value = of
    for (let first = inline; first || this.#is('operator', '|'); first = false) {
      if (!first) this.#at++
      const { line } = this.#now
      const name = this.#dotted()
      value = { kind: 'filter', of: value, name, args: this.#optionalArguments(), line }
    }
    return value
  }

  #test(of: Expression, line: number): Expression {
    const negated = this.#accept('name', 'not')
    const name = this.#dotted()
    const test: Expression = { kind: 'test', of, name, args: this.#testArguments(), line }
    return negated ? { kind: 'not', of: test, line } : test
  }

  /** `is divisibleby(3)`, or `is divisibleby 3`. */
  #testArguments(): Arguments {
    const { type, text } = this.#now
    if (this.#is('operator', '(')) return this.#arguments()
    const takes =
      type === 'name' ? !['else', 'or', 'and'].includes(text) : ['string', 'integer', 'float'].includes(type)
    if (!takes && !(type === 'operator' && ['[', '{'].includes(text))) return NO_ARGUMENTS
    if (type === 'name' && text === 'is') this.#fail('tests cannot be chained')
    return { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] }
  }

  #dotted(): string {
    let name = this.#name()
    while (this.#accept('operator', '.')) name += `.${this.#name()}`
    return name
  }

  #optionalArguments(): Arguments {
    return this.#is('operator', '(') ? this.#arguments() : NO_ARGUMENTS
  }

  #arguments(): Arguments {
    const positional: Expression[] = []
    const keywords: (readonly [string, Expression])[] = []
    let spread: Expression | undefined
    let keywordSpread: Expression | undefined
    const fits = (holds: boolean): void => {
      if (!holds) this.#fail('the arguments of the call are in an order that has no meaning')
    }
    this.#operator('(')
    this.#listed(')', () => {
      if (this.#accept('operator', '*')) {
        fits(spread === undefined && keywordSpread === undefined)
        spread = this.#expression()
      } else if (this.#accept('operator', '**')) {
        fits(keywordSpread === undefined)
        keywordSpread = this.#expression()
      } else if (this.#now.type === 'name' && this.tokens[this.#at + 1]?.text === '=' && this.#nextIsOperator()) {
        fits(keywordSpread === undefined)
        const name = this.#name()
        this.#at++
        keywords.push([name, this.#expression()])
      } else {
        fits(spread === undefined && keywordSpread === undefined && keywords.length === 0)
        positional.push(this.#expression())
      }
    })
    return { positional, keywords, spread, keywordSpread }
  }

  #nextIsOperator(): boolean {
    return this.tokens[this.#at + 1]?.type === 'operator'
  }

  get #now(): Token {
    return this.tokens[this.#at] as Token
  }

  #is(type: TokenType, text: string): boolean {
    return this.#now.type === type && this.#now.text === text
  }

  #accept(type: TokenType, text: string): boolean {
    if (!this.#is(type, text)) return false
    this.#at++
    return true
  }

  #name(): string {
    return this.#expect('name').text
  }

  #keyword(text: string): void {
    if (!this.#accept('name', text)) this.#fail(`${shown(this.#now)} stands where ${text} was expected`)
  }

  #operator(text: string): void {
    if (!this.#accept('operator', text)) this.#fail(`${shown(this.#now)} stands where ${text} was expected`)
  }

  #expect(type: TokenType): Token {
    const token = this.#now
    if (token.type !== type) this.#fail(`${shown(token)} stands where ${EXPECTED[type] ?? type} was expected`)
    this.#at++
    return token
  }

  /** @param back - 0 for the token that is next, -1 for the one before it */
  #fail(message: string, back = 0): never {
    throw new TemplateFault(message, this.tokens[this.#at + back]?.line)
  }
}

const NO_ARGUMENTS: Arguments = { positional: [], keywords: [], spread: undefined, keywordSpread: undefined }

const EXPECTED: Partial<Record<TokenType, string>> = { name: 'a name', block_end: '%}', variable_end: '}}' }

/** Names that only close, or go on with, another tag. */
const isEnd = (name: string): boolean => /^(?:end\w+|else|elif)$/.test(name)

function shown({ type, text }: Token): string {
  if (type === 'end') return 'the end of the template'
  return text === '' ? (EXPECTED[type] ?? type) : JSON.stringify(text)
}

function numberOf(type: 'integer' | 'float', text: string): bigint | number {
  const digits = text.replaceAll('_', '')
  return type === 'float' ? Number(digits) : (parseInteger(digits, 0) as bigint)
}
