import type { DeviceGraph } from '../graph/deviceMemory'
import { INT32 } from '../graph/elementTypes'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import type { FourBitTable } from '../numerics/fourBit'

/*
 * numerics/fourBit.ts as graphs, for weights whose blocks are all full. Only what every device rounds alike is done there:
 * comparisons, and single products and differences in float32. A shader's division may be off by some units in the last
 * place (WGSL, "Accuracy of expressions"), so reciprocals and scales come from the processor, one for each block.
 */

/** Codes in an int32. */
const CODES = 8

/** `absmax` [blocks, 1], the largest |w| of each block of W [out, in]. */
export const absmaxGraph = (blockSize: number): DeviceGraph => ({
  name: `absmax ${blockSize}`,
  build: () => {
    const g = new GraphBuilder()
    const blocks = g.reshape(g.input('W', ['out', 'in']), [-1, blockSize])
    g.output('absmax', g.node('ReduceMax', [g.node('Abs', [blocks]), g.ints([1])], { keepdims: 1 }), ['blocks', 1])
    return g.build()
  }
})

/**
 * Of W [out, in], with `reciprocals` and `scales` [blocks, 1]:
 *
 *     x = w · reciprocal,  place = number of thresholds below x,  Q = level · scale,  E = W − Q
 *
 * `packed` has the bytes of the codes, four in an int32; Q and E [out, in] stay on the device.
 */
export const codesGraph = (table: FourBitTable, blockSize: number): DeviceGraph => ({
  name: `codes ${blockSize} ${table.levels.join()}`,
  left: ['Q', 'E'],
  build: () => {
    const g = new GraphBuilder()
    const W = g.input('W', ['out', 'in'])
    const x = g.mul(g.reshape(W, [-1, blockSize]), g.input('reciprocals', ['blocks', 1]))
    const { code, level } = placed(g, x, table)
    const blocks = g.mul(level, g.input('scales', ['blocks', 1]))
    const Q = g.node('Reshape', [blocks, g.node('Shape', [W])])
    g.output('packed', packed(g, code), ['words', 1], 'int32')
    g.output('Q', Q, ['out', 'in'])
    g.output('E', g.sub(W, Q), ['out', 'in'])
    return g.build()
  }
})

/** The code, as a number, and the level of each ratio: of the highest place whose threshold lies below it. */
function placed(g: GraphBuilder, x: Value, { levels, order, thresholds }: FourBitTable) {
  const at = (place: number): { readonly code: Value; readonly level: Value } => {
    const code = order[place] as number
    return { code: g.scalar(code), level: g.scalar(levels[code] as number) }
  }
  let found = at(0)
  for (const [i, threshold] of thresholds.entries()) {
    const above = g.node('Greater', [x, g.scalar(threshold)])
    const next = at(i + 1)
    found = {
      code: g.node('Where', [above, next.code, found.code]),
      level: g.node('Where', [above, next.level, found.level])
    }
  }
  return found
}

/**
 * Element 2j goes to the high nibble of byte j; byte 0 is an int32's lowest, and its highest bit the sign. WebGPU's sums of
 * many integers are made in float32, so the nibbles are added one after the other.
 */
function packed(g: GraphBuilder, code: Value): Value {
  const steps = Float32Array.from({ length: CODES }, (_, i) => 16 ** (i ^ 1))
  const integers = (values: Value): Value => g.node('Cast', [values], { to: INT32 })
  const nibbles = g.mul(integers(g.reshape(code, [-1, CODES])), integers(g.floats(steps, [CODES])))
  return g.split(nibbles, 1, Array(CODES).fill(1)).reduce(g.add)
}
