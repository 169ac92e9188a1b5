import type { DeviceGraph } from '../graph/deviceMemory'
import { INT32 } from '../graph/elementTypes'
import { GraphBuilder, type Value } from '../graph/graphBuilder'

/*
 * What codes stand for, as a graph: bytes are taken out of integers, exactly, and looked up; beside that there are single
 * products and differences in float32 alone, which every device rounds alike.
 */

/** Bytes in an int32, the lowest first. */
export const WORD = 4

/** What the bytes of a format's codes stand for. */
export interface CodeValues {
  /** Formats of one name are alike. */
  readonly name: string
  /** Of each byte the values of its codes, in their order, before they are scaled: [256 · codes]. */
  readonly values: Float32Array
  /** By which they are multiplied once they were scaled; left out, by nothing. */
  readonly step?: number
}

/** Codes that share a scale, and the length of a row. */
export interface CodeShape {
  readonly group: number
  readonly cols: number
}

/**
 * Of `words` [n, 1], four bytes of codes each, and `scales` [groups, 1]:
 *
 *     Q = value · scale (· step),  [out, in], which stays on the device
 */
export const valuesGraph = ({ name, values, step }: CodeValues, { group, cols }: CodeShape): DeviceGraph => ({
  name: `values ${name} ${group} ${cols}`,
  left: ['Q'],
  build: () => {
    const g = new GraphBuilder()
    const table = g.floats(values, [256, values.length / 256])
    const found = g.node('Gather', [table, bytesOf(g, g.input('words', ['words', 1], 'int32'))])
    const scaled = g.mul(g.reshape(found, [-1, group]), g.input('scales', ['groups', 1]))
    const Q = step === undefined ? scaled : g.mul(scaled, g.scalar(step))
    g.output('Q', g.reshape(Q, [-1, cols]), ['out', 'in'])
    return g.build()
  }
})

/** E = W − Q, [out, in], which stays on the device. */
export const ERROR_GRAPH: DeviceGraph = {
  name: 'error',
  left: ['E'],
  build: () => {
    const g = new GraphBuilder()
    g.output('E', g.sub(g.input('W', ['out', 'in']), g.input('Q', ['out', 'in'])), ['out', 'in'])
    return g.build()
  }
}

/**
 * The bytes of words [n, 1] as numbers from 0 to 255, [n, 4]. A quotient of integers is cut off towards zero, so that the sign,
 * the highest bit of the last byte, is taken away first.
 */
function bytesOf(g: GraphBuilder, words: Value): Value {
  const integer = (value: number): Value => g.node('Cast', [g.scalar(value)], { to: INT32 })
  const signed = g.node('Less', [words, integer(0)])
  const bytes: Value[] = []
  let left = g.node('Where', [signed, g.add(words, integer(-(2 ** 31))), words])
  while (bytes.length < WORD - 1) {
    const next = g.div(left, integer(256))
    bytes.push(g.sub(left, g.mul(next, integer(256))))
    left = next
  }
  const highest = g.add(left, g.node('Where', [signed, integer(128), integer(0)]))
  return g.concat([...bytes, highest], 1)
}
