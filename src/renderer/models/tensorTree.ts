import type { InspectedTensor } from '../../shared/inspection'

/** A module of a model, or at the end of a branch a tensor. */
export interface TreeNode {
  /** Full path, which no other node has. */
  readonly path: string
  /** The part of the path that this node adds; modules with a single child are joined to it. */
  readonly label: string
  readonly children: readonly TreeNode[]
  readonly tensor?: InspectedTensor
  readonly tensors: number
  readonly parameters: number
  readonly bytes: number
}

/** A node as a line of the table. */
export interface TreeRow {
  readonly node: TreeNode
  /** 1 for the outermost. */
  readonly level: number
  /** Undefined for a tensor. */
  readonly expanded: boolean | undefined
}

interface Branch {
  readonly children: Map<string, Branch>
  tensor?: InspectedTensor
}

const COLLATOR = new Intl.Collator('en', { numeric: true })

/** The tree of the dotted names, blocks in the order of their numbers. */
export function buildTree(tensors: readonly InspectedTensor[]): TreeNode[] {
  const root: Branch = { children: new Map() }
  for (const tensor of tensors) {
    let branch = root
    for (const part of tensor.name.split('.')) {
      const next: Branch = branch.children.get(part) ?? { children: new Map() }
      branch.children.set(part, next)
      branch = next
    }
    branch.tensor = tensor
  }
  return nodesOf(root, '')
}

const nodesOf = (branch: Branch, prefix: string): TreeNode[] =>
  [...branch.children]
    .sort(([a], [b]) => COLLATOR.compare(a, b))
    .flatMap(([label, child]) => nodesAt(child, label, prefix === '' ? label : `${prefix}.${label}`))

/** One node; two where a name is both a tensor and the beginning of others. */
function nodesAt(branch: Branch, label: string, path: string): TreeNode[] {
  const own = branch.tensor === undefined ? [] : [leaf(branch.tensor, label)]
  if (branch.children.size === 0) return own
  const children = nodesOf(branch, path)
  const [only] = children
  if (children.length === 1 && only !== undefined) return [...own, { ...only, label: `${label}.${only.label}` }]
  const sum = (value: (node: TreeNode) => number): number => children.reduce((total, node) => total + value(node), 0)
  const module = {
    path: `${path}.`,
    label,
    children,
    tensors: sum((node) => node.tensors),
    parameters: sum((node) => node.parameters),
    bytes: sum((node) => node.bytes)
  }
  return [...own, module]
}

const leaf = (tensor: InspectedTensor, label: string): TreeNode => ({
  path: tensor.name,
  label,
  children: [],
  tensor,
  tensors: 1,
  parameters: tensor.shape.reduce((product, size) => product * size, 1),
  bytes: tensor.bytes
})

/** What is shown: the children of expanded nodes; while something is searched, all that fits with what leads to it. */
export function visibleRows(roots: readonly TreeNode[], expanded: ReadonlySet<string>, query: string): TreeRow[] {
  const fits = matcher(query)
  const rows: TreeRow[] = []
  const visit = (node: TreeNode, level: number): boolean => {
    if (node.tensor !== undefined) {
      const shown = fits === undefined || fits(node.tensor)
      if (shown) rows.push({ node, level, expanded: undefined })
      return shown
    }
    const place = rows.length
    const open = fits !== undefined || expanded.has(node.path)
    rows.push({ node, level, expanded: open })
    const found = open ? node.children.map((child) => visit(child, level + 1)).some(Boolean) : true
    if (!found) rows.length = place
    return found
  }
  for (const root of roots) visit(root, 1)
  return rows
}

/** How many tensors fit a search; all of them without one. */
export const countFitting = (tensors: readonly InspectedTensor[], query: string): number => {
  const fits = matcher(query)
  return fits === undefined ? tensors.length : tensors.filter(fits).length
}

/** Every word must be in the name, or be the dtype, the role or the file; undefined when nothing is searched. */
function matcher(query: string): ((tensor: InspectedTensor) => boolean) | undefined {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return undefined
  return ({ name, dtype, role = '', file }) => {
    const lower = name.toLowerCase()
    const others = [dtype.toLowerCase(), role, file.toLowerCase()]
    return words.every((word) => lower.includes(word) || others.includes(word))
  }
}

/** The paths of all modules, for opening them all at once. */
export const modulePaths = (roots: readonly TreeNode[]): string[] =>
  roots.flatMap((node) => (node.tensor === undefined ? [node.path, ...modulePaths(node.children)] : []))
