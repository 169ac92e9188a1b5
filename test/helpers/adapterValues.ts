import type { StoredValues } from '../../src/engine/formats/adapterFactors'

/** All values of a factor of an adapter. */
export async function allValues(stored: StoredValues): Promise<Float32Array> {
  const pieces: Float32Array[] = []
  for await (const piece of stored.pieces()) pieces.push(piece)
  const values = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    values.set(piece, at)
    at += piece.length
  }
  return values
}
