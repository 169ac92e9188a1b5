import type { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { type LoraFactors, projectionFactors } from '../../src/engine/methods/factors'
import { LayerProblem, type LayerProblemOptions } from '../../src/engine/methods/layerProblem'
import { methodFor } from '../../src/engine/methods/registry'
import { SecondMoment } from '../../src/engine/methods/secondMoment'
import type { Matrix64 } from '../../src/engine/numerics/matrix'
import { seededRandom } from '../../src/engine/numerics/random'
import type { MethodName } from '../../src/shared/methods'
import { entry, gaussian, matrixOf, minus, product, transpose } from './matrices'

/** A linear of a test: its error and the second moment of its input. */
export interface TestLayer {
  readonly name: string
  readonly E: Matrix64
  readonly H: Matrix64
}

interface Shape {
  readonly out: number
  readonly in: number
  readonly tokens: number
  /** Channels that are zero for every token. */
  readonly dead?: readonly number[]
  /** Channels that have one value for every token. */
  readonly constant?: readonly number[]
  /** Rows of E that are zero, as the quantizer leaves rows that it can represent exactly. */
  readonly zeroRows?: readonly number[]
}

/** E as a quantizer makes it (uniform, a scale for each row), H from correlated inputs whose energy falls. */
function randomLayer(name: string, shape: Shape): TestLayer {
  const random = seededRandom('layer', name)
  const scales = Array.from({ length: shape.out }, () => 0.01 * (0.5 + random()))
  const E = matrixOf(shape.out, shape.in, (i) =>
    shape.zeroRows?.includes(i) ? 0 : Math.fround((scales[i] as number) * (2 * random() - 1))
  )
  const next = gaussian('inputs', name)
  const sources = matrixOf(shape.tokens, shape.in, (_, j) => next() * (1 + j) ** -0.75)
  const mixing = matrixOf(shape.in, shape.in, (i, j) => (i === j ? 1 : next() / Math.sqrt(shape.in)))
  const mixed = product(sources, mixing)
  const X = matrixOf(shape.tokens, shape.in, (t, j) => {
    if (shape.dead?.includes(j)) return 0
    return shape.constant?.includes(j) ? 3 : entry(mixed, t, j)
  })
  const gram = product(transpose(X), X)
  return { name, E, H: matrixOf(shape.in, shape.in, (i, j) => entry(gram, i, j) / shape.tokens) }
}

const range = (begin: number, end: number): number[] => Array.from({ length: end - begin }, (_, i) => begin + i)

/** The first goes through a Krylov space, the second is decomposed whole; both have fewer tokens than channels. */
export const layers: readonly TestLayer[] = [
  randomLayer('300 × 200, few tokens', { out: 300, in: 200, tokens: 90 }),
  randomLayer('120 × 500, few tokens', { out: 120, in: 500, tokens: 150 }),
  randomLayer('300 × 200, dead and constant channels', {
    out: 300,
    in: 200,
    tokens: 400,
    dead: range(40, 90),
    constant: [3, 150]
  }),
  randomLayer('200 × 100, rows of zeros', { out: 200, in: 100, tokens: 300, zeroRows: range(8, 190) })
]

/** Nothing to correct, or nothing that an output would notice. */
export const emptyLayers: readonly TestLayer[] = [
  { ...(layers[0] as TestLayer), name: 'no error', E: matrixOf(300, 200, () => 0) },
  { ...(layers[0] as TestLayer), name: 'no input', H: matrixOf(200, 200, () => 0) },
  { ...randomLayer('one channel', { out: 40, in: 30, tokens: 50, dead: range(1, 30) }) }
]

export const problemOf = (algebra: LinearAlgebra, layer: TestLayer, options: Partial<LayerProblemOptions> = {}) =>
  new LayerProblem(algebra, layer.name, layer.E, new SecondMoment(layer.H), { maxRank: 16, seed: 0, ...options })

export async function factorsOf(
  problem: LayerProblem,
  method: MethodName,
  { rank = 16, scaling = 1, iterations = 20 } = {}
): Promise<LoraFactors> {
  return projectionFactors(problem, await methodFor(method).basis(problem, { rank, iterations }), { rank, scaling })
}

/** s · B · A. */
export const correctionOf = ({ loraA, loraB }: LoraFactors, scaling: number): Matrix64 => {
  const BA = product(loraB, loraA)
  return matrixOf(BA.rows, BA.cols, (i, j) => scaling * entry(BA, i, j))
}

/** E − s · B · A. */
export const residualOf = ({ E }: TestLayer, factors: LoraFactors, scaling: number): Matrix64 =>
  minus(E, correctionOf(factors, scaling))
