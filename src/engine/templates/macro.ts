import { TemplateFault } from './fault'
import { namesIn } from './names'
import type { Body, Parameter } from './nodes'
import { Callable, Dict, Tuple, Undefined, type Value } from './values'

export interface MacroDeclaration {
  readonly name: string
  readonly parameters: readonly Parameter[]
  readonly body: Body
}

/** Names that a macro's body may use beside its parameters, each only where it does. */
const SPECIAL = ['caller', 'kwargs', 'varargs'] as const

/**
 * The function that a macro is.
 *
 * @param run - renders the body with the arguments that were given; those that were not are missing
 */
export function callMacro(
  { name, parameters, body }: MacroDeclaration,
  run: (args: ReadonlyMap<string, Value>) => string
): Callable {
  const names = parameters.map((parameter) => parameter.name)
  const used = namesIn(body)
  const takes = (special: (typeof SPECIAL)[number]): boolean => used.has(special) && !names.includes(special)
  return new Callable(name, (args, keywords) => {
    const values = new Map(names.slice(0, args.length).map((one, i) => [one, args[i] as Value]))
    const others = new Map(keywords)
    for (const one of names.slice(args.length)) {
      const value = others.get(one)
      if (value !== undefined) values.set(one, value)
      others.delete(one)
    }
    if (takes('caller')) {
      values.set('caller', others.get('caller') ?? new Undefined('no caller is defined'))
      others.delete('caller')
    }
    if (takes('kwargs')) values.set('kwargs', new Dict(others))
    else if (others.size > 0) throw new TemplateFault(`the macro ${name} has no parameter ${[...others.keys()][0]}`)
    if (takes('varargs')) values.set('varargs', new Tuple(args.slice(names.length)))
    else if (args.length > names.length)
      throw new TemplateFault(`the macro ${name} takes ${names.length} arguments, ${args.length} were given`)
    return run(values)
  })
}
