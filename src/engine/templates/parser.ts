import { ExpressionParser } from './expressionParser'
import { TemplateFault } from './fault'
import { tokenize } from './lexer'
import type { Body, Expression, Parameter, Statement, Target } from './nodes'
import { CONSTANTS } from './operandParser'

/*
 * Jinja's grammar with the extensions of transformers: loop controls and {% generation %}.
 */

/** Tags that Jinja knows, but that need other templates, or escaping that chats do not have. */
const OTHER_TAGS = ['block', 'extends', 'include', 'import', 'from', 'autoescape']

/** @throws {TemplateFault} with the line, for what is no template or not handled */
export function parseTemplate(template: string): Body {
  try {
    return new Parser(tokenize(template)).template()
  } catch (error) {
    throw error instanceof RangeError ? new TemplateFault('it is nested too deep') : error
  }
}

class Parser extends ExpressionParser {
  template(): Body {
    const body = this.#body([])
    if (this.now.type !== 'end') this.fail(`{% ${this.now.text} %} closes nothing`)
    return body
  }

  /** Statements up to a tag of one of these names, of which the name is next; up to the end where there are none. */
  #body(ends: readonly string[]): Body {
    const opened = this.tokens[this.at - 1]?.line
    const statements: Statement[] = []
    for (;;) {
      const { type, text, line } = this.now
      if (type === 'end') {
        if (ends.length > 0) throw new TemplateFault(`the tag is not closed: {% ${ends.at(-1)} %} is missing`, opened)
        return statements
      }
      this.at++
      if (type === 'data') statements.push({ kind: 'text', text, line })
      else if (type === 'variable_begin') {
        statements.push({ kind: 'output', values: [this.tuple()], line })
        this.expect('variable_end')
      } else {
        if (this.now.type === 'name' && (ends.includes(this.now.text) || isEnd(this.now.text))) return statements
        statements.push(this.#statement())
        this.expect('block_end')
      }
    }
  }

  /** What a tag encloses: from the end of its opening to behind the name of its closing one, which is returned. */
  #enclosed(...ends: string[]): { body: Body; end: string } {
    if (this.is('operator', ':')) this.at++
    this.expect('block_end')
    const body = this.#body(ends)
    const end = this.name()
    if (!ends.includes(end)) this.fail(`{% ${end} %} stands where {% ${ends.at(-1)} %} was expected`, -1)
    return { body, end }
  }

  #statement(): Statement {
    const line = this.now.line
    const tag = this.name()
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
        const name = this.name()
        const parameters = this.#parameters()
        return { kind: 'macro', name, parameters, body: this.#enclosed('endmacro').body, line }
      }
      case 'call': {
        const parameters = this.is('operator', '(') ? this.#parameters() : []
        const call = this.expression()
        if (call.kind !== 'call') throw new TemplateFault('{% call %} needs the call of a macro', line)
        return { kind: 'callBlock', parameters, call, body: this.#enclosed('endcall').body, line }
      }
      case 'filter': {
        const filter = this.filters(undefined, true) as Expression
        return { kind: 'filterBlock', filter, body: this.#enclosed('endfilter').body, line }
      }
      case 'generation':
        return { kind: 'generation', body: this.#enclosed('endgeneration').body, line }
      case 'print': {
        const values: Expression[] = []
        while (this.now.type !== 'block_end') {
          if (values.length > 0) this.operator(',')
          values.push(this.expression())
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
    this.keyword('in')
    const of = this.tuple({ conditions: false, end: 'recursive' })
    const test = this.accept('name', 'if') ? this.expression() : undefined
    const recursive = this.accept('name', 'recursive')
    const { body, end } = this.#enclosed('else', 'endfor')
    const otherwise = end === 'else' ? this.#enclosed('endfor').body : []
    return { kind: 'for', target, of, test, recursive, body, otherwise } as const
  }

  #if() {
    const branches: { test: Expression; body: Body }[] = []
    for (;;) {
      const test = this.tuple({ conditions: false })
      const { body, end } = this.#enclosed('elif', 'else', 'endif')
      branches.push({ test, body })
      if (end === 'elif') continue
      const otherwise = end === 'else' ? this.#enclosed('endif').body : []
      return { kind: 'if', branches, otherwise } as const
    }
  }

  #set() {
    const target = this.#target()
    if (this.accept('operator', '=')) return { kind: 'set', target, value: this.tuple() } as const
    const filter = this.is('operator', '|') ? this.filters(undefined, false) : undefined
    return { kind: 'setBlock', target, filter, body: this.#enclosed('endset').body } as const
  }

  #with() {
    const values: { target: Target; value: Expression }[] = []
    while (this.now.type !== 'block_end') {
      if (values.length > 0) this.operator(',')
      const target = this.#target()
      this.operator('=')
      values.push({ target, value: this.expression() })
    }
    return { kind: 'with', values, body: this.#enclosed('endwith').body } as const
  }

  #parameters(): Parameter[] {
    const parameters: Parameter[] = []
    this.operator('(')
    while (!this.is('operator', ')')) {
      if (parameters.length > 0) this.operator(',')
      const name = this.name()
      const fallback = this.accept('operator', '=') ? this.expression() : undefined
      if (fallback === undefined && parameters.at(-1)?.fallback !== undefined)
        this.fail('a parameter without a default follows one with a default', -1)
      parameters.push({ name, fallback })
    }
    this.operator(')')
    return parameters
  }

  /** Names, tuples of them, or an attribute of a namespace. */
  #target(end?: string): Target {
    const line = this.now.line
    const items: Target[] = []
    let isTuple = false
    while (!this.isTupleEnd(end)) {
      items.push(this.#oneTarget())
      if (!this.accept('operator', ',')) break
      isTuple = true
    }
    if (!isTuple && items.length === 1) return items[0] as Target
    if (items.length === 0) this.fail('a name was expected')
    return { kind: 'tuple', items, line }
  }

  #oneTarget(): Target {
    const line = this.now.line
    if (this.accept('operator', '(')) {
      const target = this.#target()
      this.operator(')')
      return target
    }
    const name = this.name()
    if (Object.hasOwn(CONSTANTS, name)) this.fail(`${name} cannot be assigned to`, -1)
    if (this.accept('operator', '.')) return { kind: 'namespace', name, attribute: this.name(), line }
    return { kind: 'name', name, line }
  }
}

/** Names that only close, or go on with, another tag. */
const isEnd = (name: string): boolean => /^(?:end\w+|else|elif)$/.test(name)
