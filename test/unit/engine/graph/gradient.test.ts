import { describe, expect, it } from 'vitest'
import { addGradients } from '../../../../src/engine/graph/gradient'
import { RULES } from '../../../../src/engine/graph/gradientRules'
import { GraphBuilder, type Value } from '../../../../src/engine/graph/graphBuilder'
import { GraphSession } from '../../../../src/engine/graph/session'

type Build = (g: GraphBuilder, x: Value, w: Value) => Value

/** Graphs of x [2, 3, 4] and w [2, 3, 4] that use each operator in each way in which it passes gradients. */
const GRAPHS: Readonly<Record<string, Build>> = {
  Identity: (g, x, w) => g.add(g.node('Identity', [x]), w),
  Add: (g, x, w) => g.mul(g.add(x, w), w),
  Sub: (g, x, w) => g.mul(g.sub(x, w), x),
  Mul: (g, x, w) => g.mul(x, w),
  'Mul by itself': (g, x, w) => g.mul(g.mul(x, x), g.mul(w, w)),
  Div: (g, x, w) => g.div(x, g.add(g.mul(w, w), g.scalar(1))),
  'broadcasting to more': (g, x, w) => g.div(g.mean(w, -1), g.add(g.mul(x, x), g.scalar(1))),
  MatMul: (g, x, w) => g.matmul(x, g.transpose(w, [0, 2, 1])),
  Gemm: (g, x, w) => g.gemm(g.reshape(x, [6, 4]), g.reshape(w, [4, 6])),
  'Gemm, transposed, with C': (g, x, w) => {
    const [a, b] = [g.reshape(x, [6, 4]), g.reshape(w, [6, 4])]
    return g.gemm(a, b, { transB: 1, bias: g.gemm(b, a, { transB: 1 }) })
  },
  Reshape: (g, x, w) => g.mul(g.reshape(x, [0, -1]), g.reshape(w, [2, 12])),
  Transpose: (g, x, w) => g.mul(g.transpose(x, [2, 0, 1]), g.reshape(w, [4, 2, 3])),
  Split: (g, x, w) => {
    const [first, second] = g.split(x, -1, [2, 2]) as [Value, Value]
    return g.mul(g.mul(first, second), g.slice(w, 2, 0, 2))
  },
  'Split, of which a part is used': (g, x, w) => g.mul(g.split(x, 1, [2, 1])[1] as Value, g.slice(w, 1, 1, 2)),
  Concat: (g, x, w) => g.mul(g.concat([x, w], -1), g.concat([w, w], -1)),
  Slice: (g, x, w) => g.mul(g.slice(x, 1, 0, 2), g.slice(w, 1, 1, 3)),
  'Slice from the end': (g, x, w) => g.mul(g.slice(x, 2, -3, -1), g.slice(w, 2, 1, 3)),
  Pad: (g, x, w) => g.mul(g.node('Pad', [x, g.ints([0, 2, 0, 0, 1, 0])]), g.concat([w, w], 1)),
  ReduceMean: (g, x, w) => g.mul(g.mean(g.mul(x, x), -1), w),
  ReduceSum: (g, x, w) => g.mul(g.sum(g.mul(x, x), [-1]), w),
  Sqrt: (g, x, w) => g.mul(g.node('Sqrt', [g.add(g.mul(x, x), g.scalar(1))]), w),
  Softmax: (g, x, w) => g.mul(g.softmax(x), w),
  Exp: (g, x, w) => g.mul(g.node('Exp', [x]), w),
  Sigmoid: (g, x, w) => g.mul(g.sigmoid(x), w),
  Tanh: (g, x, w) => g.mul(g.node('Tanh', [x]), w),
  Relu: (g, x, w) => g.mul(g.node('Relu', [x]), w),
  Gelu: (g, x, w) => g.mul(g.node('Gelu', [x]), w),
  'Gelu by tanh': (g, x, w) => g.mul(g.node('Gelu', [x], { approximate: 'tanh' }), w),
  LayerNormalization: (g, x, w) => {
    const [scale, shift] = [g.floats(Float32Array.of(1, -2, 0.5, 3), [4]), g.floats(Float32Array.of(1, 2, 3, 4), [4])]
    return g.mul(g.node('LayerNormalization', [x, scale, shift], { axis: -1, epsilon: { float: 1e-5 } }), w)
  },
  Clip: (g, x, w) => g.mul(g.node('Clip', [x, g.scalar(-0.7), g.scalar(0.7)]), w)
}

/** onnxruntime computes these on the processor in float32 alone. */
const SINGLE = ['Gelu', 'Gelu by tanh']

/** Far from the bends of Relu and Clip. */
const POINT = Float64Array.from({ length: 24 }, (_, i) => Math.sin(3 * i + 1) + (Math.sin(3 * i + 1) > 0 ? 0.2 : -0.2))
const OTHER = Float64Array.from({ length: 24 }, (_, i) => Math.cos(5 * i) + 0.3)

describe.each(Object.entries(GRAPHS))('the gradient of %s', (name, build) => {
  it('is that of central differences', async () => {
    const precision = SINGLE.includes(name) ? 'float32' : 'float64'
    const g = new GraphBuilder(precision)
    const [x, w] = [g.input('x', [2, 3, 4]), g.input('w', [2, 3, 4])]
    const y = build(g, x, w)
    // Σ y · y / 2, whose gradient with respect to y is y.
    const gradients = addGradients(g, new Map([[y, y]]), [x, w])
    g.output('y', y, [])
    g.output('dx', gradients.get(x) as Value, [2, 3, 4])
    g.output('dw', gradients.get(w) as Value, [2, 3, 4])
    const session = await GraphSession.create(g.build(), 'cpu')
    const feed = (data: Float64Array) => ({
      data: precision === 'float64' ? data : Float32Array.from(data),
      shape: [2, 3, 4]
    })
    const run = (at: Float64Array, other: Float64Array) => session.run({ x: feed(at), w: feed(other) })
    const loss = async (at: Float64Array, other: Float64Array): Promise<number> =>
      Array.from((await run(at, other)).y?.data as Float64Array).reduce((sum, value) => sum + (value * value) / 2, 0)
    const { dx, dw } = await run(POINT, OTHER)
    // Central differences are wrong by step² and by the rounding of the loss over the step.
    const [step, tolerance] = precision === 'float64' ? [1e-5, 1e-8] : [1e-2, 2e-3]
    const moved = (values: Float64Array, i: number, by: number) =>
      values.map((value, j) => (i === j ? value + by : value))
    for (let i = 0; i < 24; i++) {
      const ofX =
        ((await loss(moved(POINT, i, step), OTHER)) - (await loss(moved(POINT, i, -step), OTHER))) / (2 * step)
      const ofW =
        ((await loss(POINT, moved(OTHER, i, step))) - (await loss(POINT, moved(OTHER, i, -step)))) / (2 * step)
      expect(Math.abs((dx?.data[i] as number) - ofX), `x[${i}]`).toBeLessThan(tolerance * Math.max(1, Math.abs(ofX)))
      expect(Math.abs((dw?.data[i] as number) - ofW), `w[${i}]`).toBeLessThan(tolerance * Math.max(1, Math.abs(ofW)))
    }
    await session.release()
  })
})

describe('gradients', () => {
  const inputs = (g: GraphBuilder) => [g.input('x', [2, 3, 4]), g.input('w', [2, 3, 4])] as const

  it('are tested for every operator that has a rule', () => {
    expect(Object.keys(RULES).filter((operator) => GRAPHS[operator] === undefined)).toEqual([])
  })

  it('refuse an operator without a rule by name', () => {
    const g = new GraphBuilder()
    const [x] = inputs(g)
    const y = g.node('Cos', [x])
    expect(() => addGradients(g, new Map([[y, y]]), [x])).toThrow('no gradient of Cos')
  })

  it.each<[string, (g: GraphBuilder, x: Value, w: Value) => Value]>([
    ['MatMul that broadcasts', (g, x, w) => g.matmul(x, g.transpose(g.slice(w, 0, 0, 1), [0, 2, 1]))],
    ['Gemm with transA', (g, x, w) => g.gemm(g.reshape(x, [6, 4]), g.reshape(w, [6, 4]), { transA: 1 })],
    [
      'Gemm with alpha or beta',
      (g, x, w) => g.node('Gemm', [g.reshape(x, [6, 4]), g.reshape(w, [4, 6])], { alpha: { float: 2 } })
    ],
    ['Softmax over another axis', (g, x, w) => g.mul(g.softmax(x, 1), w)],
    [
      'Slice of several axes',
      (g, x, w) => g.mul(g.node('Slice', [x, g.ints([0, 0]), g.ints([1, 1]), g.ints([0, 1])]), w)
    ],
    [
      'ReduceMean that leaves out its axis',
      (g, x, w) => g.mul(g.node('ReduceMean', [x, g.ints([0])], { keepdims: 0 }), w)
    ],
    [
      'LayerNormalization over more than',
      (g, x, w) =>
        g.node('LayerNormalization', [g.mul(x, w), g.floats(new Float32Array(12), [3, 4])], {
          axis: 1,
          epsilon: { float: 1 }
        })
    ],
    ['Add for a value of fewer axes', (g, x, w) => g.add(g.reshape(g.slice(x, 0, 0, 1), [3, 4]), w)],
    ['Where', (g, x, w) => g.mul(g.node('Where', [g.node('Less', [x, w]), x, w]), w)]
  ])('refuse %s', (words, build) => {
    const g = new GraphBuilder()
    const [x, w] = inputs(g)
    const y = build(g, x, w)
    expect(() => addGradients(g, new Map([[y, y]]), [x, w])).toThrow(words)
  })

  it('refuse an input on which the output does not depend', () => {
    const g = new GraphBuilder()
    const [x, w] = inputs(g)
    const y = g.mul(x, x)
    expect(() => addGradients(g, new Map([[y, y]]), [x, w])).toThrow('does not depend on w')
  })

  it('make no product for what nobody asks for', () => {
    const g = new GraphBuilder()
    const [x, w] = inputs(g)
    const y = g.gemm(g.reshape(x, [6, 4]), g.reshape(w, [6, 4]), { transB: 1 })
    const before = g.trace.length
    addGradients(g, new Map([[y, y]]), [x])
    const added = g.trace.slice(before).map(({ operator }) => operator)
    expect(added.filter((operator) => operator === 'Gemm')).toHaveLength(1)
  })
})
