import { expressionsOf, type NameVisitor, visitExpression, visitTarget } from './names'
import type { Body, Statement } from './nodes'
import type { Value } from './values'

/** What a body does with names at its own level: which it mentions, and which it writes before it reads them. */
interface Names {
  readonly mentioned: ReadonlySet<string>
  /** Undefined until they are written, even where the conversation's variables have something of that name. */
  readonly hidden: ReadonlySet<string>
}

const known = new WeakMap<Body, Names>()

/**
 * The variables of a body, and around them those of the bodies that it stands in.
 *
 * Jinja compiles a template, and gives a body a variable of its own for each name that the body assigns before it reads
 * it; what stands in between, a loop say, that reads the name finds it undefined, whatever the template is rendered with.
 */
export class Scope {
  readonly #values: Map<string, Value>
  #names: Names | undefined

  constructor(
    private readonly parent?: Scope,
    values: ReadonlyMap<string, Value> = new Map()
  ) {
    this.#values = new Map(values)
  }

  /** The scope is that of a body. */
  declare(body: Body, parameters: readonly string[] = []): void {
    this.#names = known.get(body)
    if (this.#names !== undefined) return
    this.#names = namesOf(body, parameters, (name) => this.parent?.mentions(name) ?? false)
    known.set(body, this.#names)
  }

  mentions(name: string): boolean {
    return this.#names?.mentioned.has(name) || (this.parent?.mentions(name) ?? false)
  }

  get(name: string): Value | undefined {
    const own = this.#values.get(name)
    if (own !== undefined) return own
    return this.#names?.hidden.has(name) ? undefined : this.parent?.get(name)
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value)
  }
}

/** Names with what their first mention was. */
class Frame implements NameVisitor {
  constructor(
    private readonly outside: (name: string) => boolean,
    readonly hidden: Map<string, boolean>,
    readonly written: Set<string>
  ) {}

  read(name: string): void {
    if (!this.hidden.has(name)) this.hidden.set(name, false)
  }

  write(name: string): void {
    this.written.add(name)
    if (!this.hidden.has(name)) this.hidden.set(name, !this.outside(name))
  }

  copy(): Frame {
    return new Frame(this.outside, new Map(this.hidden), new Set(this.written))
  }

  /** Takes in what the branches of an {% if %} did: a name that not all of them write is looked up outside. */
  join(branches: readonly Frame[]): void {
    const before = new Set(this.written)
    const counts = new Map<string, number>()
    for (const { written } of branches)
      for (const name of written) if (!before.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
    for (const branch of branches) {
      for (const [name, hidden] of branch.hidden) this.hidden.set(name, hidden)
      for (const name of branch.written) this.written.add(name)
    }
    for (const [name, count] of counts) if (count < branches.length) this.hidden.set(name, false)
  }
}

function namesOf(body: Body, parameters: readonly string[], outside: (name: string) => boolean): Names {
  const frame = new Frame(outside, new Map(parameters.map((name) => [name, false])), new Set(parameters))
  for (const statement of body) visit(statement, frame)
  const hidden = [...frame.hidden].filter(([, isHidden]) => isHidden).map(([name]) => name)
  return { mentioned: new Set(frame.hidden.keys()), hidden: new Set(hidden) }
}

function visit(statement: Statement, frame: Frame): void {
  switch (statement.kind) {
    case 'if':
      visitIf(statement, frame)
      break
    case 'for':
      visitExpression(statement.of, frame)
      break
    case 'set':
      visitExpression(statement.value, frame)
      visitTarget(statement.target, frame)
      break
    case 'setBlock':
      visitTarget(statement.target, frame)
      break
    case 'macro':
      frame.write(statement.name)
      break
    case 'callBlock':
      visitExpression(statement.call, frame)
      break
    default:
      for (const expression of expressionsOf(statement)) visitExpression(expression, frame)
  }
}

/** Jinja sees an {% if %} as three branches: the first body, all {% elif %} together, and the last body. */
function visitIf({ branches, otherwise, line }: Extract<Statement, { kind: 'if' }>, frame: Frame): void {
  const [first, ...others] = branches
  visitExpression(first?.test, frame)
  const branch = (statements: Body): Frame => {
    const inner = frame.copy()
    for (const statement of statements) visit(statement, inner)
    return inner
  }
  const elif = others.map(
    ({ test, body }): Statement => ({ kind: 'if', branches: [{ test, body }], otherwise: [], line })
  )
  frame.join([branch(first?.body ?? []), branch(elif), branch(otherwise)])
}
