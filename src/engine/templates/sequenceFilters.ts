import { LIST_STEPS, spend } from './budget'
import type { CallArguments } from './callArguments'
import { TemplateFault } from './fault'
import { Dict, DictView, Iter, itemsOf, iterate, List, rest, Undefined, type Value } from './values'

/** `| first`. */
export function firstOf(iterator: Iterator<Value>, reason: string): Value {
  const { done, value } = iterator.next()
  return done === true ? new Undefined(reason) : value
}

/** `| last`, which a generator does not have. */
export function lastOf(value: Value): Value {
  if (value instanceof Iter) throw new TemplateFault('a generator has no last item; add | list')
  const items = itemsOf(value)
  return items.length === 0 ? new Undefined('the sequence has no last item') : (items.at(-1) as Value)
}

/** `| batch`: lists of so many items, the last filled up. */
export function* batches(value: Value, args: CallArguments): Generator<Value> {
  const size = args.count('linecount', 0)
  const fill = args.value('fill_with', null)
  let batch: Value[] = []
  for (const item of rest(iterate(value))) {
    if (batch.length === size) {
      spend(LIST_STEPS)
      yield new List(batch)
      batch = []
    }
    batch.push(item)
  }
  if (batch.length === 0) return
  const missing = fill === null ? 0 : Math.max(0, size - batch.length)
  spend(missing)
  yield new List([...batch, ...Array.from({ length: missing }, () => fill)])
}

/** `| slice`: so many lists of nearly equal length. */
export function* slices(value: Value, args: CallArguments): Generator<Value> {
  const items = itemsOf(value)
  const count = args.count('slices', 0)
  const fill = args.value('fill_with', null)
  if (count === 0) throw new TemplateFault('division by zero')
  const [size, extra] = [Math.floor(items.length / count), items.length % count]
  let from = 0
  for (let i = 0; i < count; i++) {
    spend(LIST_STEPS)
    const end = from + size + (i < extra ? 1 : 0)
    const part = items.slice(from, end)
    yield new List(fill !== null && i >= extra ? [...part, fill] : part)
    from = end
  }
}

/** Fails when it is read, as Python's generator does. */
export function* pairsOf(value: Value): Generator<Value> {
  if (value instanceof Undefined) return
  if (!(value instanceof Dict)) throw new TemplateFault('the filter items needs a dictionary')
  yield* new DictView(value, 'items').items
}
