import { TemplateFault } from './fault'
import { intOf, isInt, type Keywords, Markup, typeName, type Value } from './values'

/** Arguments of a call by the parameters of what is called. */
export class CallArguments {
  readonly #values: ReadonlyMap<string, Value>

  /**
   * @param parameters - names in order; those that must be given end in `!`
   * @throws {TemplateFault} when one is missing, given twice or not known
   */
  constructor(
    readonly callee: string,
    parameters: readonly string[],
    args: readonly Value[],
    keywords: Keywords
  ) {
    const names = parameters.map((name) => name.replace('!', ''))
    if (args.length > names.length)
      throw new TemplateFault(`${callee} takes ${names.length} arguments, ${args.length} were given`)
    const values = new Map(args.map((value, i) => [names[i] as string, value]))
    for (const [name, value] of keywords) {
      if (!names.includes(name)) throw new TemplateFault(`${callee} has no argument ${name}`)
      if (values.has(name)) throw new TemplateFault(`${callee} got its argument ${name} twice`)
      values.set(name, value)
    }
    const missing = parameters.find((name, i) => name.endsWith('!') && !values.has(names[i] as string))
    if (missing !== undefined) throw new TemplateFault(`${callee} needs its argument ${missing.slice(0, -1)}`)
    this.#values = values
  }

  get(name: string): Value | undefined {
    return this.#values.get(name)
  }

  /** What was given, None included, else the fallback. */
  value(name: string, fallback: Value): Value {
    const given = this.get(name)
    return given === undefined ? fallback : given
  }

  /** A text. */
  text(name: string, fallback: string): string {
    const value = this.get(name)
    return value === undefined ? fallback : textOf(value, `argument ${name} of ${this.callee}`)
  }

  /** A whole number, small enough to count with. */
  count(name: string, fallback: number): number {
    const value = this.get(name)
    return value === undefined ? fallback : countOf(value, `argument ${name} of ${this.callee}`)
  }
}

/** @throws {TemplateFault} when the value is no text */
export function textOf(value: Value, what: string): string {
  if (typeof value === 'string') return value
  if (value instanceof Markup) return value.text
  throw new TemplateFault(`${what} must be a text, not ${typeName(value)}`)
}

/** An int as a number; beyond what can be counted the largest of its sign. */
export function countOf(value: Value, what: string): number {
  if (!isInt(value)) throw new TemplateFault(`${what} must be an integer, not ${typeName(value)}`)
  const count = Number(intOf(value))
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, count))
}
