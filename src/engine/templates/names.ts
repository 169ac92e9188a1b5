import type { Arguments, Body, Expression, Slice, Statement, Target } from './nodes'

/*
 * Which names a part of a template reads and writes. Jinja decides it before anything is rendered, and two of its rules
 * can be seen in what is rendered: see `Scope`.
 */

/** Receives the names of a part of a template in order. */
export interface NameVisitor {
  read(name: string): void
  write(name: string): void
}

export function visitExpression(node: Expression | Slice | undefined, visitor: NameVisitor): void {
  if (node === undefined) return
  for (const part of partsOf(node)) visitExpression(part, visitor)
  if (node.kind === 'name') visitor.read(node.name)
}

function partsOf(node: Expression | Slice): readonly (Expression | Slice | undefined)[] {
  switch (node.kind) {
    case 'constant':
    case 'name':
      return []
    case 'list':
    case 'tuple':
      return node.items
    case 'dict':
      return node.entries.flat()
    case 'attribute':
    case 'not':
    case 'negative':
    case 'positive':
      return [node.of]
    case 'item':
      return [node.of, node.key]
    case 'slice':
      return [node.start, node.stop, node.step]
    case 'call':
      return [node.callee, ...argumentsOf(node.args)]
    case 'filter':
    case 'test':
      return [node.of, ...argumentsOf(node.args)]
    case 'and':
    case 'or':
    case 'binary':
      return [node.left, node.right]
    case 'concat':
      return node.parts
    case 'compare':
      return [node.first, ...node.rest.map(({ value }) => value)]
    case 'condition':
      return [node.test, node.yes, node.no]
    default:
      return node satisfies never
  }
}

const argumentsOf = ({ positional, keywords, spread, keywordSpread }: Arguments): (Expression | undefined)[] => [
  ...positional,
  ...keywords.map(([, value]) => value),
  spread,
  keywordSpread
]

export function visitTarget(target: Target, visitor: NameVisitor): void {
  if (target.kind === 'name') visitor.write(target.name)
  else if (target.kind === 'namespace') visitor.read(target.name)
  else for (const item of target.items) visitTarget(item, visitor)
}

/** The bodies that a statement holds. */
export function bodiesOf(statement: Statement): readonly Body[] {
  switch (statement.kind) {
    case 'if':
      return [...statement.branches.map(({ body }) => body), statement.otherwise]
    case 'for':
      return [statement.body, statement.otherwise]
    case 'setBlock':
    case 'with':
    case 'macro':
    case 'callBlock':
    case 'filterBlock':
    case 'generation':
      return [statement.body]
    default:
      return []
  }
}

/** The expressions of a statement itself, without those of its bodies. */
export function expressionsOf(statement: Statement): readonly (Expression | undefined)[] {
  switch (statement.kind) {
    case 'output':
      return statement.values
    case 'if':
      return statement.branches.map(({ test }) => test)
    case 'for':
      return [statement.of, statement.test]
    case 'set':
      return [statement.value]
    case 'setBlock':
    case 'filterBlock':
      return [statement.filter]
    case 'with':
      return statement.values.map(({ value }) => value)
    case 'macro':
      return statement.parameters.map(({ fallback }) => fallback)
    case 'callBlock':
      return [statement.call, ...statement.parameters.map(({ fallback }) => fallback)]
    default:
      return []
  }
}

const known = new WeakMap<Body, ReadonlySet<string>>()

/** Every name that is read anywhere in a body. */
export function namesIn(body: Body): ReadonlySet<string> {
  const found = known.get(body)
  if (found !== undefined) return found
  const names = new Set<string>()
  const visitor: NameVisitor = { read: (name) => names.add(name), write: () => {} }
  const visit = (part: Body): void => {
    for (const statement of part) {
      for (const expression of expressionsOf(statement)) visitExpression(expression, visitor)
      for (const inner of bodiesOf(statement)) visit(inner)
    }
  }
  visit(body)
  known.set(body, names)
  return names
}
