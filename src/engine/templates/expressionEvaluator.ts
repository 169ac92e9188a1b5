import { joined, spend, spendText } from './budget'
import { textOf } from './callArguments'
import { TemplateFault } from './fault'
import { applyFilter } from './filters'
import { attributeOf, itemOf, sliceOf, undefinedUse } from './lookup'
import type { Arguments, Expression, Slice } from './nodes'
import { compared, operated, signed } from './operators'
import { str } from './printing'
import type { Scope } from './scope'
import { runTest } from './tests'
import { Attributed, Callable, Dict, isTrue, itemsOf, List, Tuple, typeName, Undefined, type Value } from './values'

/** Works out expressions; remembers the line of what is evaluated, for the fault of it. */
export class ExpressionEvaluator {
  /** Of what is evaluated now. */
  protected line = 1

  protected value(node: Expression, scope: Scope): Value {
    spend(1)
    const value = this.#valueOf(node, scope)
    if (typeof value === 'string' && node.kind !== 'name' && node.kind !== 'constant') spendText(value.length)
    return value
  }

  #valueOf(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'constant':
        return node.value
      case 'name':
        return this.#named(node.name, scope)
      case 'list':
        return new List(node.items.map((item) => this.value(item, scope)))
      case 'tuple':
        return new Tuple(node.items.map((item) => this.value(item, scope)))
      case 'dict':
        return new Dict(node.entries.map(([key, value]) => [this.value(key, scope), this.value(value, scope)]))
      case 'attribute': {
        const of = this.value(node.of, scope)
        this.line = node.line
        return attributeOf(of, node.name)
      }
      case 'item':
        return this.#item(node.of, node.key, scope, node.line)
      case 'call':
        return this.call(node, scope)
      case 'filter':
        return this.filtered(node, undefined, scope)
      case 'test':
        return this.#test(node, scope)
      case 'negative':
      case 'positive':
        return signed(node.kind, this.value(node.of, scope))
      case 'binary': {
        const [left, right] = [this.value(node.left, scope), this.value(node.right, scope)]
        this.line = node.line
        return operated(node.operator, left, right)
      }
      case 'concat':
        return joined(node.parts.map((part) => str(this.value(part, scope))))
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
        return !isTrue(this.value(node.of, scope))
      case 'and':
      case 'or': {
        const left = this.value(node.left, scope)
        return isTrue(left) === (node.kind === 'or') ? left : this.value(node.right, scope)
      }
      case 'compare': {
        let left = this.value(node.first, scope)
        for (const { operator, value } of node.rest) {
          const right = this.value(value, scope)
          this.line = node.line
          if (!compared(operator, left, right)) return false
          left = right
        }
        return true
      }
      case 'condition': {
        const chosen = isTrue(this.value(node.test, scope)) ? node.yes : node.no
        return chosen === undefined
          ? new Undefined('an inline if without else gave nothing')
          : this.value(chosen, scope)
      }
      default:
        return node satisfies never
    }
  }

  #test(node: Extract<Expression, { kind: 'test' }>, scope: Scope): boolean {
    const of = this.value(node.of, scope)
    const { args, keywords } = this.#arguments(node.args, scope)
    this.line = node.line
    return runTest(node.name, of, args, keywords)
  }

  #item(of: Expression, key: Expression | Slice, scope: Scope, line: number): Value {
    const value = this.value(of, scope)
    if (key.kind !== 'slice') {
      const index = this.value(key, scope)
      this.line = line
      return itemOf(value, index)
    }
    const part = (expression: Expression | undefined): Value =>
      expression === undefined ? null : this.value(expression, scope)
    const bounds = { start: part(key.start), stop: part(key.stop), step: part(key.step) }
    this.line = line
    return sliceOf(value, bounds)
  }

  /** @param block - the text of the block, which the first filter of a block gets */
  protected filtered(node: Expression, block: string | undefined, scope: Scope): Value {
    if (node.kind !== 'filter') return this.value(node, scope)
    const of = node.of === undefined ? (block as string) : this.filtered(node.of, block, scope)
    const { args, keywords } = this.#arguments(node.args, scope)
    this.line = node.line
    return applyFilter(node.name, of, args, keywords)
  }

  protected call(
    { callee, args: given, line }: Extract<Expression, { kind: 'call' }>,
    scope: Scope,
    caller?: Callable
  ): Value {
    const called = this.value(callee, scope)
    const { args, keywords } = this.#arguments(given, scope)
    this.line = line
    const all = caller === undefined ? keywords : new Map([...keywords, ['caller', caller]])
    if (called instanceof Callable) return called.call(args, all)
    if (called instanceof Attributed && called.call !== undefined) return called.call(args, all)
    if (called instanceof Undefined) throw undefinedUse(called)
    throw new TemplateFault(`'${typeName(called)}' object is not callable`)
  }

  #arguments(given: Arguments, scope: Scope): { args: Value[]; keywords: Map<string, Value> } {
    const args = given.positional.map((one) => this.value(one, scope))
    if (given.spread !== undefined) args.push(...itemsOf(this.value(given.spread, scope)))
    const keywords = new Map(given.keywords.map(([name, one]) => [name, this.value(one, scope)]))
    if (given.keywordSpread !== undefined) {
      const spread = this.value(given.keywordSpread, scope)
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
