import type { DeviceGraph, DeviceMemory } from './deviceMemory'
import { GraphBuilder, type Value } from './graphBuilder'
import type { DeviceTensor, Tensor } from './session'

/** Panels of rows that a symmetric matrix is cut into: with eight, those right of the diagonal come to 9/16 of it. */
const PANELS = 8
/** Rows of the narrowest panel: a smaller matrix is not worth more of them. */
const SHORTEST = 32

/**
 * A symmetric matrix as graphs of a device take it, to be given back where it lies there: of each panel of its rows goes there
 * what begins at the diagonal, and what is left of that is the mirror image of panels above it.
 *
 * @throws {AppError} DEVICE with the library's reason when the device fails
 */
export async function uploadSymmetric(memory: DeviceMemory, matrix: Tensor): Promise<Tensor | DeviceTensor> {
  const [n = 0] = matrix.shape
  const panels = panelsOf(n)
  if (!memory.keepsTensors || panels.length < 2) return memory.upload(matrix)
  const feeds = Object.fromEntries(panels.map((panel, i) => [`panel${i}`, fromDiagonal(matrix, panel)]))
  return (await memory.compute(symmetricGraph(n), feeds)).there[RESULT] as DeviceTensor
}

/** Rows [begin, end). */
type Panel = readonly [begin: number, end: number]

function panelsOf(n: number): Panel[] {
  const height = Math.max(SHORTEST, Math.ceil(n / PANELS))
  return Array.from({ length: Math.ceil(n / height) }, (_, i) => [i * height, Math.min(n, (i + 1) * height)])
}

/** The columns of a panel from its first row's diagonal entry on. */
function fromDiagonal({ data, shape: [n = 0] }: Tensor, [begin, end]: Panel): Tensor {
  const columns = n - begin
  const values = new Float32Array((end - begin) * columns)
  for (let i = begin, at = 0; i < end; i++, at += columns)
    values.set((data as Float32Array).subarray(i * n + begin, (i + 1) * n), at)
  return { data: values, shape: [end - begin, columns] }
}

const RESULT = 'symmetric'

/** The matrix of size n whose panels from the diagonal on are given. */
export function symmetricGraph(n: number): DeviceGraph {
  return {
    name: `symmetric ${n}`,
    left: [RESULT],
    build: () => {
      const g = new GraphBuilder()
      const panels = panelsOf(n)
      const given = panels.map(([begin, end], i) => g.input(`panel${i}`, [end - begin, n - begin]))
      const mirrored = (above: number, [begin, end]: Panel): Value => {
        const [first] = panels[above] as Panel
        return g.transpose(g.slice(given[above] as Value, 1, begin - first, end - first), [1, 0])
      }
      const rows = panels.map((panel, i) => {
        const left = Array.from({ length: i }, (_, above) => mirrored(above, panel))
        return left.length === 0 ? (given[i] as Value) : g.concat([...left, given[i] as Value], 1)
      })
      g.output(RESULT, g.concat(rows, 0), [n, n])
      return g.build()
    }
  }
}
