import type { DeviceGraph } from '../graph/deviceMemory'
import { INT32 } from '../graph/elementTypes'
import { GraphBuilder, type Value } from '../graph/graphBuilder'
import { WORD } from './codeGraphs'
import { roundToCode, roundToHalf } from './int8Inputs'

/*
 * formats/int8.ts as graphs. Rounding to float16 is Veltkamp's splitting in float32, sums and products that every device rounds
 * alike: equal to the conversion for each of the 2²³ float32 between two powers of two, and so for all that float16 holds.
 */

/** `absmax` [out, 1], the largest |w| of each row of W [out, in] rounded to float16; above 65504 as if that had no end. */
export const LARGEST_GRAPH: DeviceGraph = {
  name: 'largest half',
  build: () => {
    const g = new GraphBuilder()
    const half = roundToHalf(g, g.input('W', ['out', 'in']))
    g.output('absmax', g.node('ReduceMax', [g.node('Abs', [half]), g.ints([1])], { keepdims: 1 }), ['out', 1])
    return g.build()
  }
}

/**
 * Of W [out, in], with `reciprocals` and `scales` [out, 1], and w rounded to float16:
 *
 *     code = round(w · reciprocal),  Q = code · scale · step,  E = W − Q
 *
 * `packed` has the bytes of the codes, four in an int32; Q and E [out, in] stay on the device.
 */
export const int8CodesGraph = (step: number): DeviceGraph => ({
  name: `codes int8 ${step}`,
  left: ['Q', 'E'],
  build: () => {
    const g = new GraphBuilder()
    const W = g.input('W', ['out', 'in'])
    const code = roundToCode(g, g.mul(roundToHalf(g, W), g.input('reciprocals', ['out', 1])))
    const Q = g.mul(g.mul(code, g.input('scales', ['out', 1])), g.scalar(step))
    g.output('packed', packed(g, code), ['words', 1], 'int32')
    g.output('Q', Q, ['out', 'in'])
    g.output('E', g.sub(W, Q), ['out', 'in'])
    return g.build()
  }
})

/** Codes as the bytes of int32, the lowest first: in two's complement, of which the highest has the sign of the word. */
function packed(g: GraphBuilder, code: Value): Value {
  const bytes = g.split(g.reshape(code, [-1, WORD]), 1, Array(WORD).fill(1))
  const words = bytes.map((byte, i) => {
    const negative = g.node('Less', [byte, g.scalar(0)])
    const own = i === WORD - 1 ? byte : g.node('Where', [negative, g.add(byte, g.scalar(256)), byte])
    return g.mul(integer(g, own), integer(g, g.scalar(256 ** i)))
  })
  return words.reduce(g.add)
}

const integer = (g: GraphBuilder, value: Value): Value => g.node('Cast', [value], { to: INT32 })
