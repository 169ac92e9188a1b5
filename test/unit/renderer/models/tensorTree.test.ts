import { describe, expect, it } from 'vitest'
import { groupLinears } from '../../../../src/renderer/models/linearGroups'
import { buildTree, countFitting, modulePaths, visibleRows } from '../../../../src/renderer/models/tensorTree'
import type { InspectedTensor, TensorRole } from '../../../../src/shared/inspection'

const tensor = (name: string, shape: number[] = [2, 3], role: TensorRole = 'quantized'): InspectedTensor => ({
  name,
  dtype: 'BF16',
  shape,
  file: 'model.safetensors',
  bytes: 2 * shape.reduce((product, size) => product * size, 1),
  role
})

const TENSORS = [
  tensor('model.embed.weight', [10, 3], 'embedding'),
  tensor('model.layers.10.attn.q.weight'),
  tensor('model.layers.2.attn.q.weight'),
  tensor('model.layers.2.attn.q.bias', [2], 'bias'),
  tensor('model.layers.2.norm.weight', [3], 'norm'),
  tensor('lm_head.weight', [10, 3], 'head')
]
const roots = buildTree(TENSORS)
const show = (expanded: readonly string[], query = '') =>
  visibleRows(roots, new Set(expanded), query).map(({ node, level, expanded: open }) => [
    `${'  '.repeat(level - 1)}${node.label}`,
    open
  ])

describe('the tree of tensors', () => {
  it('joins modules with one child and puts blocks in the order of their numbers', () => {
    expect(show(modulePaths(roots))).toEqual([
      ['lm_head.weight', undefined],
      ['model', true],
      ['  embed.weight', undefined],
      ['  layers', true],
      ['    2', true],
      ['      attn.q', true],
      ['        bias', undefined],
      ['        weight', undefined],
      ['      norm.weight', undefined],
      ['    10.attn.q.weight', undefined]
    ])
  })

  it('shows children of open modules only', () => {
    expect(show([])).toEqual([
      ['lm_head.weight', undefined],
      ['model', false]
    ])
    expect(show(['model.']).map(([label]) => label)).toEqual(['lm_head.weight', 'model', '  embed.weight', '  layers'])
  })

  it('adds up what a module holds', () => {
    const model = roots.find(({ label }) => label === 'model')
    expect(model).toMatchObject({ tensors: 5, parameters: 30 + 6 + 6 + 2 + 3, bytes: 2 * 47 })
  })

  it.each([
    ['q weight', ['model', '  layers', '    2', '      attn.q', '        weight', '    10.attn.q.weight'], 2],
    ['NORM', ['model', '  layers', '    2', '      norm.weight'], 1],
    ['bf16 bias', ['model', '  layers', '    2', '      attn.q', '        bias'], 1],
    ['nothing like it', [], 0]
  ])('finds %s with what leads to it', (query, labels, fitting) => {
    expect(show([], query).map(([label]) => label)).toEqual(labels)
    expect(countFitting(TENSORS, query)).toBe(fitting)
  })

  it('holds names that begin others, and names that objects have by nature', () => {
    const odd = buildTree([tensor('a'), tensor('a.b'), tensor('__proto__.x'), tensor('')])
    expect(visibleRows(odd, new Set(modulePaths(odd)), '').map(({ node }) => node.tensor?.name)).toEqual([
      '',
      '__proto__.x',
      'a',
      'a.b'
    ])
  })

  it('is built and searched for a large model', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => tensor(`model.layers.${i % 100}.experts.${i}.up.weight`))
    const tree = buildTree(many)
    const rows = visibleRows(tree, new Set(), 'experts.77777')
    expect(rows.filter(({ node }) => node.tensor).map(({ node }) => node.tensor?.name)).toEqual([
      'model.layers.77.experts.77777.up.weight'
    ])
  })
})

describe('the linears of a model', () => {
  it('are put together over its blocks', () => {
    const names = ['a.0.q', 'a.0.up', 'a.1.q', 'a.1.up']
    const linears = names.map((name) => ({ name: `model.${name}`, shape: [4, name.endsWith('q') ? 4 : 8] as const }))
    expect(groupLinears(linears)).toEqual([
      { pattern: 'model.a.*.q', count: 2, shape: [4, 4], parameters: 32 },
      { pattern: 'model.a.*.up', count: 2, shape: [4, 8], parameters: 64 }
    ])
  })

  it('of different shapes stay apart', () => {
    const linears = [4, 8].map((width, i) => ({ name: `h.${i}.q`, shape: [width, 4] as const }))
    expect(groupLinears(linears).map(({ shape, count }) => [shape[0], count])).toEqual([
      [4, 1],
      [8, 1]
    ])
  })
})
