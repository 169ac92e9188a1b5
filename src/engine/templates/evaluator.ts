import type { CalendarDay } from '../../shared/calendarDay'
import { joined, spend, withBudget } from './budget'
import { ExpressionEvaluator } from './expressionEvaluator'
import { TemplateFault } from './fault'
import { checkAttribute, globalsOf } from './globals'
import { Loop } from './loop'
import { callMacro, type MacroDeclaration } from './macro'
import type { Body, Expression, Statement, Target } from './nodes'
import { str } from './printing'
import { Scope } from './scope'
import { type Callable, Iter, isTrue, itemsOf, iterate, Namespace, rest, Undefined, type Value } from './values'

/** What a template is rendered with, beside its variables. */
export interface RenderOptions {
  /** What `strftime_now` takes for today. */
  readonly day: CalendarDay
  /** Text that is put before and behind what {% generation %} holds. */
  readonly marks?: readonly [open: string, close: string] | undefined
  /** How much it may do; see budget.ts. */
  readonly steps?: number | undefined
}

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
  return withBudget(() => new Evaluator(options).render(body, variables), options.steps)
}

class Evaluator extends ExpressionEvaluator {
  constructor(private readonly options: RenderOptions) {
    super()
  }

  render(body: Body, variables: ReadonlyMap<string, Value>): string {
    const globals = new Scope(undefined, globalsOf(this.options.day))
    const root = new Scope(new Scope(globals, variables))
    try {
      return this.#captured(body, root)
    } catch (error) {
      // Macros that call each other without an end, and dates that cannot be written, are the template's fault too.
      const fault = error instanceof RangeError ? new TemplateFault(error.message) : error
      if (fault instanceof TemplateFault) fault.line ??= this.line
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
    return joined(out)
  }

  #body(body: Body, scope: Scope, out: Output): void {
    for (const statement of body) {
      spend(1)
      this.line = statement.line
      this.#statement(statement, scope, out)
    }
  }

  #statement(statement: Statement, scope: Scope, out: Output): void {
    switch (statement.kind) {
      case 'text':
        out.push(statement.text)
        return
      case 'output':
        for (const value of statement.values) out.push(str(this.value(value, scope)))
        return
      case 'if': {
        const branch = statement.branches.find(({ test }) => isTrue(this.value(test, scope)))
        this.#body(branch?.body ?? statement.otherwise, scope, out)
        return
      }
      case 'for':
        this.#for(statement, this.value(statement.of, scope), scope, out, 0)
        return
      case 'break':
      case 'continue':
        throw new LoopControl(statement.kind)
      case 'set':
        this.#assign(statement.target, this.value(statement.value, scope), scope)
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
        return str(this.call(call, scope, this.#macro({ name: 'caller', parameters, body }, scope)))
      }
      case 'filterBlock':
        return str(this.filtered(statement.filter, this.#captured(statement.body, new Scope(scope)), scope))
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
    this.#assign(target, filter === undefined ? text : this.filtered(filter, text, scope), scope)
  }

  #with({ values, body }: Of<'with'>, scope: Scope, out: Output): void {
    const inner = new Scope(scope)
    for (const { target, value } of values) this.#assign(target, this.value(value, scope), inner)
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
      spend(1)
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
    return joined(out)
  }

  /** The items for which the loop's own condition holds, found as they are asked for. */
  #where(loop: Of<'for'>, test: Expression, of: Value, scope: Scope): Value {
    const holds = (item: Value): boolean => {
      const inner = new Scope(scope)
      this.#assign(loop.target, item, inner)
      return isTrue(this.value(test, inner))
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
        inner.set(name, fallback === undefined ? missing : this.value(fallback, inner))
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
}

const namesOf = (target: Target): string[] => {
  if (target.kind === 'tuple') return target.items.flatMap(namesOf)
  return target.kind === 'name' ? [target.name] : []
}
