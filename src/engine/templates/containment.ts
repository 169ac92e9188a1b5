import { TemplateFault } from './fault'
import { equal } from './ordering'
import { Dict, DictView, iterate, Markup, rest, typeName, type Value } from './values'

/** `item in container`. @throws {TemplateFault} where Python cannot say */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string' || container instanceof Markup) {
    const text = container instanceof Markup ? container.text : container
    if (typeof item === 'string') return text.includes(item)
    if (item instanceof Markup) return text.includes(item.text)
    throw new TemplateFault(`a text cannot contain ${typeName(item)}`)
  }
  if (container instanceof Dict) return container.get(item) !== undefined
  if (container instanceof DictView && container.of === 'keys') return container.dict.get(item) !== undefined
  for (const one of rest(iterate(container))) if (one === item || equal(one, item)) return true
  return false
}
