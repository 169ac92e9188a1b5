import type { CalendarDay } from '../../shared/calendarDay'
import { CallArguments, textOf } from './callArguments'
import { contains } from './containment'
import { notHandled, TemplateFault } from './fault'
import { applyFilter } from './filters'
import { percentFormat } from './formatting'
import { attributeOf, itemOf, sliceOf, undefinedUse } from './lookup'
import { Loop } from './loop'
import { callMacro, type MacroDeclaration } from './macro'
import type { Arguments, BinaryOperator, Body, ComparisonOperator, Expression, Slice, Statement, Target } from './nodes'
import { calculate } from './numbers'
import { str } from './printing'
import { Scope } from './scope'
import { strftime } from './strftime'
import { runTest } from './tests'
import {
  Attributed,
  Callable,
  Dict,
  equal,
  Iter,
  intOf,
  isInt,
  isTrue,
  itemsOf,
  iterate,
  type Keywords,
  List,
  lessThan,
  Namespace,
  Range,
  rest,
  Tuple,
  typeName,
  Undefined,
  type Value
} from './values'

/** What a template is rendered with, beside its variables. */
export interface RenderOptions {
  /** What `strftime_now` takes for today. */
  readonly day: CalendarDay
  /** Text that is put before and behind what {% generation %} holds. */
  readonly marks?: readonly [open: string, close: string] | undefined
}

/** Jinja's sandbox makes no longer range. */
const MAX_RANGE = 100_000

type Of<K extends Statement['kind']> = Extract<Statement, { kind: K }>
type Output = string[]

/** Leaves a loop, or the present turn of it. */
class LoopControl {
  constructor(readonly kind: 'break' | 'continue') {}
}

/**
 * Renders a parsed template.
 * @throws {TemplateFault} with the line of what failed
 */
export function evaluate(body: Body, variables: ReadonlyMap<string, Value>, options: RenderOptions): string {
  return new Evaluator(options).render(body, variables)
}

class Evaluator {
  /** Of what is evaluated now. */
  #line = 1

  constructor(private readonly options: RenderOptions) {}

  render(body: Body, variables: ReadonlyMap<string, Value>): string {
    const globals = new Scope(undefined, globalsOf(this.options.day))
    const root = new Scope(new Scope(globals, variables))
    try {
      return this.#captured(body, root)
    } catch (error) {
      // Macros that call each other without an end, and dates that cannot be written, are the template's fault too.
      const fault = error instanceof RangeError ? new TemplateFault(error.message) : error
      if (fault instanceof TemplateFault) fault.line ??= this.#line
      throw fault
    }
  }

  /** The text of a body of its own: what it assigns stays inside, and no loop around it can be left from it. */
  #captured(body: Body, scope: Scope, parameters: readonly string[] = []): string {
    const out: Output = []
    scope.declare(body, parameters)
    try {
      this.#body(body, scope, out)
    } catch (error) {
      if (error instanceof LoopControl) throw new TemplateFault(`{% ${error.kind} %} stands outside of a loop`)
      throw error
    }
    return out.join('')
  }

  #body(body: Body, scope: Scope, out: Output): void {
    for (const statement of body) {
      this.#line = statement.line
      this.#statement(statement, scope, out)
    }
  }

  #statement(statement: Statement, scope: Scope, out: Output): void {
    switch (statement.kind) {
      case 'text':
        out.push(statement.text)
        return
      case 'output':
        for (const value of statement.values) out.push(str(this.#value(value, scope)))
        return
      case 'if': {
        const branch = statement.branches.find(({ test }) => isTrue(this.#value(test, scope)))
        this.#body(branch?.body ?? statement.otherwise, scope, out)
        return
      }
      case 'for':
        this.#for(statement, this.#value(statement.of, scope), scope, out, 0)
        return
      case 'break':
      case 'continue':
        throw new LoopControl(statement.kind)
      case 'set':
        this.#assign(statement.target, this.#value(statement.value, scope), scope)
        return
      case 'setBlock':
        this.#setBlock(statement, scope)
        return
      case 'with':
        this.#with(statement, scope, out)
        return
      case 'macro':
        scope.set(statement.name, this.#macro(statement, scope))
        return
      default:
        out.push(this.#wrapped(statement, scope))
    }
  }

  /** Blocks of which the text is handed on before it is written. */
  #wrapped(statement: Of<'callBlock' | 'filterBlock' | 'generation'>, scope: Scope): string {
    switch (statement.kind) {
      case 'callBlock': {
        const { call, parameters, body } = statement
        return str(this.#call(call, scope, this.#macro({ name: 'caller', parameters, body }, scope)))
      }
      case 'filterBlock':
        return str(this.#filtered(statement.filter, this.#captured(statement.body, new Scope(scope)), scope))
      case 'generation': {
        const [open, close] = this.options.marks ?? ['', '']
        return open + this.#captured(statement.body, new Scope(scope)) + close
      }
      default:
        return statement satisfies never
    }
  }

  #setBlock({ target, filter, body }: Of<'setBlock'>, scope: Scope): void {
    const text = this.#captured(body, new Scope(scope))
    this.#assign(target, filter === undefined ? text : this.#filtered(filter, text, scope), scope)
  }

  #with({ values, body }: Of<'with'>, scope: Scope, out: Output): void {
    const inner = new Scope(scope)
    for (const { target, value } of values) this.#assign(target, this.#value(value, scope), inner)
    inner.declare(
      body,
      values.flatMap(({ target }) => namesOf(target))
    )
    this.#body(body, inner, out)
  }

  #for(loop: Of<'for'>, of: Value, scope: Scope, out: Output, depth: number): void {
    const items = loop.test === undefined ? of : this.#where(loop, loop.test, of, scope)
    const state = new Loop(items, depth, loop.recursive ? (inner) => this.#again(loop, inner, scope, depth) : undefined)
    const parameters = ['loop', ...namesOf(loop.target)]
    let turns = 0
    for (; state.next(); turns++) {
      const inner = new Scope(scope)
      inner.declare(loop.body, parameters)
      inner.set('loop', state)
      this.#assign(loop.target, state.current, inner)
      try {
        this.#body(loop.body, inner, out)
      } catch (error) {
        if (!(error instanceof LoopControl)) throw error
        if (error.kind === 'break') return
      }
    }
    if (turns > 0) return
    const inner = new Scope(scope)
    inner.declare(loop.otherwise)
    this.#body(loop.otherwise, inner, out)
  }

  #again(loop: Of<'for'>, items: Value, scope: Scope, depth: number): string {
    const out: Output = []
    this.#for(loop, items, scope, out, depth + 1)
    return out.join('')
  }

  /** The items for which the loop's own condition holds, found as they are asked for. */
  #where(loop: Of<'for'>, test: Expression, of: Value, scope: Scope): Value {
    const holds = (item: Value): boolean => {
      const inner = new Scope(scope)
      this.#assign(loop.target, item, inner)
      return isTrue(this.#value(test, inner))
    }
    function* found(): Generator<Value> {
      for (const item of rest(iterate(of))) if (holds(item)) yield item
    }
    return new Iter(found())
  }

  #macro(declaration: MacroDeclaration, scope: Scope): Callable {
    const { parameters, body } = declaration
    return callMacro(declaration, (args) => {
      const inner = new Scope(scope, args)
      for (const { name, fallback } of parameters) {
        if (args.has(name)) continue
        const missing = new Undefined(`parameter '${name}' was not provided`)
        inner.set(name, fallback === undefined ? missing : this.#value(fallback, inner))
      }
      return this.#captured(body, inner, [...args.keys(), ...parameters.map(({ name }) => name)])
    })
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'name') scope.set(target.name, value)
    else if (target.kind === 'namespace') {
      const space = scope.get(target.name)
      if (!(space instanceof Namespace)) throw new TemplateFault(`${target.name} is no namespace`, target.line)
      checkAttribute(target.attribute)
      space.attributes.set(target.attribute, value)
    } else {
      const items = itemsOf(value)
      if (items.length !== target.items.length)
        throw new TemplateFault(`${items.length} values cannot be given to ${target.items.length} names`, target.line)
      for (const [i, one] of target.items.entries()) this.#assign(one, items[i] as Value, scope)
    }
  }

  #value(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'constant':
        return node.value
      case 'name':
        return this.#named(node.name, scope)
      case 'list':
        return new List(node.items.map((item) => this.#value(item, scope)))
      case 'tuple':
        return new Tuple(node.items.map((item) => this.#value(item, scope)))
      case 'dict':
        return new Dict(node.entries.map(([key, value]) => [this.#value(key, scope), this.#value(value, scope)]))
      case 'attribute': {
        const of = this.#value(node.of, scope)
        this.#line = node.line
        return attributeOf(of, node.name)
      }
      case 'item':
        return this.#item(node.of, node.key, scope, node.line)
      case 'call':
        return this.#call(node, scope)
      case 'filter':
        return this.#filtered(node, undefined, scope)
      case 'test':
        return this.#test(node, scope)
      case 'negative':
      case 'positive':
        return signed(node.kind, this.#value(node.of, scope))
      case 'binary': {
        const [left, right] = [this.#value(node.left, scope), this.#value(node.right, scope)]
        this.#line = node.line
        return operated(node.operator, left, right)
      }
      case 'concat':
        return node.parts.map((part) => str(this.#value(part, scope))).join('')
      default:
        return this.#logic(node, scope)
    }
  }

  #named(name: string, scope: Scope): Value {
    const value = scope.get(name)
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value
  }

  #logic(node: Extract<Expression, { kind: 'not' | 'and' | 'or' | 'compare' | 'condition' }>, scope: Scope): Value {
    switch (node.kind) {
      case 'not':
        return !isTrue(this.#value(node.of, scope))
      case 'and':
      case 'or': {
        const left = this.#value(node.left, scope)
        return isTrue(left) === (node.kind === 'or') ? left : this.#value(node.right, scope)
      }
      case 'compare': {
        let left = this.#value(node.first, scope)
        for (const { operator, value } of node.rest) {
          const right = this.#value(value, scope)
          this.#line = node.line
          if (!compared(operator, left, right)) return false
          left = right
        }
        return true
      }
      case 'condition': {
        const chosen = isTrue(this.#value(node.test, scope)) ? node.yes : node.no
        return chosen === undefined
          ? new Undefined('an inline if without else gave nothing')
          : this.#value(chosen, scope)
      }
      default:
        return node satisfies never
    }
  }

  #test(node: Extract<Expression, { kind: 'test' }>, scope: Scope): boolean {
    const of = this.#value(node.of, scope)
    const { args, keywords } = this.#arguments(node.args, scope)
    this.#line = node.line
    return runTest(node.name, of, args, keywords)
  }

  #item(of: Expression, key: Expression | Slice, scope: Scope, line: number): Value {
    const value = this.#value(of, scope)
    if (key.kind !== 'slice') {
      const index = this.#value(key, scope)
      this.#line = line
      return itemOf(value, index)
    }
    const part = (expression: Expression | undefined): Value =>
      expression === undefined ? null : this.#value(expression, scope)
    const bounds = { start: part(key.start), stop: part(key.stop), step: part(key.step) }
    this.#line = line
    return sliceOf(value, bounds)
  }

  /** @param block - the text of the block, which the first filter of a block gets */
  #filtered(node: Expression, block: string | undefined, scope: Scope): Value {
    if (node.kind !== 'filter') return this.#value(node, scope)
    const of = node.of === undefined ? (block as string) : this.#filtered(node.of, block, scope)
    const { args, keywords } = this.#arguments(node.args, scope)
    this.#line = node.line
    return applyFilter(node.name, of, args, keywords)
  }

  #call({ callee, args: given, line }: Extract<Expression, { kind: 'call' }>, scope: Scope, caller?: Callable): Value {
    const called = this.#value(callee, scope)
    const { args, keywords } = this.#arguments(given, scope)
    this.#line = line
    const all = caller === undefined ? keywords : new Map([...keywords, ['caller', caller]])
    if (called instanceof Callable) return called.call(args, all)
    if (called instanceof Attributed && called.call !== undefined) return called.call(args, all)
    if (called instanceof Undefined) throw undefinedUse(called)
    throw new TemplateFault(`'${typeName(called)}' object is not callable`)
  }

  #arguments(given: Arguments, scope: Scope): { args: Value[]; keywords: Map<string, Value> } {
    const args = given.positional.map((one) => this.#value(one, scope))
    if (given.spread !== undefined) args.push(...itemsOf(this.#value(given.spread, scope)))
    const keywords = new Map(given.keywords.map(([name, one]) => [name, this.#value(one, scope)]))
    if (given.keywordSpread !== undefined) {
      const spread = this.#value(given.keywordSpread, scope)
      if (!(spread instanceof Dict)) throw new TemplateFault('what stands behind ** must be a dictionary')
      for (const [key, value] of spread.entries()) {
        const name = textOf(key, 'a key behind **')
        if (keywords.has(name)) throw new TemplateFault(`the call got its argument ${name} twice`)
        keywords.set(name, value)
      }
    }
    return { args, keywords }
  }
}

const namesOf = (target: Target): string[] => {
  if (target.kind === 'tuple') return target.items.flatMap(namesOf)
  return target.kind === 'name' ? [target.name] : []
}

function globalsOf(day: CalendarDay): Map<string, Value> {
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
      throw new TemplateFault(str(given.get('message') as Value))
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

function signed(kind: 'negative' | 'positive', value: Value): Value {
  if (value instanceof Undefined) throw undefinedUse(value)
  if (isInt(value)) return kind === 'negative' ? -intOf(value) : intOf(value)
  if (typeof value === 'number') return kind === 'negative' ? -value : value
  throw new TemplateFault(`${typeName(value)} has no sign`)
}

function operated(operator: BinaryOperator, left: Value, right: Value): Value {
  if (left instanceof Undefined) throw undefinedUse(left)
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right)
  if (right instanceof Undefined) throw undefinedUse(right)
  return calculate(operator, left, right)
}

function compared(operator: ComparisonOperator, left: Value, right: Value): boolean {
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

function checkAttribute(name: Value): void {
  if (typeof name === 'string' && name.startsWith('_'))
    throw new TemplateFault(`a namespace may have no attribute ${name}, which begins with an underscore`)
}
