import { TemplateFault } from './fault'
import { equal } from './ordering'
import { Attributed, Callable, Iter, iterate, rest, sizeOf, Tuple, Undefined, type Value } from './values'

/** The variable `loop` of a {% for %}: where it is, and what comes before and after. */
export class Loop extends Attributed {
  readonly typeName = 'LoopContext'
  current: Value = null
  #iterator: Iterator<Value>
  #index = -1
  /** How many items there are; a generator is read to its end to know. */
  #length: number | undefined
  /** The item that was looked at before its turn, or the end. */
  #ahead: IteratorResult<Value> | undefined
  #before: Value = null
  #changed: Tuple | undefined
  override readonly call?: (args: readonly Value[]) => Value

  /** @param again - renders the loop's body for other items, where the loop is recursive */
  constructor(
    items: Value,
    private readonly depth: number,
    again: ((items: Value) => Value) | undefined
  ) {
    super()
    this.#iterator = iterate(items)
    this.#length = items instanceof Iter ? undefined : sizeOf(items)
    this.call = ([inner]) => {
      if (again === undefined) throw new TemplateFault('the loop is called, but has no recursive')
      if (inner === undefined) throw new TemplateFault('the loop is called without items')
      return again(inner)
    }
  }

  /** Goes on to the next item; false at the end. */
  next(): boolean {
    const next = this.#peek()
    this.#ahead = undefined
    if (next.done === true) return false
    this.#index++
    this.#before = this.current
    this.current = next.value
    return true
  }

  attribute(name: string): Value | undefined {
    const number = (value: number): bigint => BigInt(value)
    switch (name) {
      case 'index':
        return number(this.#index + 1)
      case 'index0':
        return number(this.#index)
      case 'length':
        return number(this.#count())
      case 'revindex':
        return number(this.#count() - this.#index)
      case 'revindex0':
        return number(this.#count() - this.#index - 1)
      case 'depth':
        return number(this.depth + 1)
      case 'depth0':
        return number(this.depth)
      case 'first':
        return this.#index === 0
      case 'last':
        return this.#peek().done === true
      case 'previtem':
        return this.#index === 0 ? new Undefined('there is no previous item') : this.#before
      case 'nextitem': {
        const next = this.#peek()
        return next.done === true ? new Undefined('there is no next item') : next.value
      }
      case 'cycle':
        return new Callable(name, (args) => this.#cycle(args))
      case 'changed':
        return new Callable(name, (args) => this.#isChanged(args))
      default:
        return undefined
    }
  }

  #peek(): IteratorResult<Value> {
    this.#ahead ??= this.#iterator.next()
    return this.#ahead
  }

  #count(): number {
    if (this.#length !== undefined) return this.#length
    const left = [...rest(this.#iterator)]
    this.#iterator = left[Symbol.iterator]()
    const ahead = this.#ahead !== undefined && this.#ahead.done !== true ? 1 : 0
    this.#length = left.length + this.#index + 1 + ahead
    return this.#length
  }

  #cycle(values: readonly Value[]): Value {
    if (values.length === 0) throw new TemplateFault('cycle needs values')
    return values[this.#index % values.length] as Value
  }

  #isChanged(values: readonly Value[]): boolean {
    const now = new Tuple(values)
    if (this.#changed !== undefined && equal(this.#changed, now)) return false
    this.#changed = now
    return true
  }
}
