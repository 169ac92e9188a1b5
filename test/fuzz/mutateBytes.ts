import { pick, type Random } from './random'

const EXTREMES = [0, 1, 0x7f, 0x80, 0xff]

/** One to four changes: a byte, a bit, an extreme, a number, a piece cut out, repeated or moved, the end cut off. */
export function mutateBytes(original: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  for (let changes = 1 + random(4); changes > 0; changes--) {
    if (bytes.length === 0) return bytes
    bytes = random(10) < 7 ? inPlace(bytes, random) : ofPieces(bytes, random)
  }
  return bytes
}

function inPlace(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length)
  const kind = random(7)
  if (kind < 3) bytes[at] = random(256)
  else if (kind < 5) bytes[at] = (bytes[at] as number) ^ (1 << random(8))
  else if (kind === 5 || at + 4 > bytes.length) bytes[at] = pick(random, EXTREMES)
  else bytes.writeUInt32LE(pick(random, [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length]), at)
  return bytes
}

function ofPieces(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length)
  const piece = bytes.subarray(at, at + 1 + random(32))
  const kind = random(8)
  if (kind < 3) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + piece.length)])
  if (kind < 6) return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
  if (kind < 7) return bytes.subarray(0, at)
  const to = random(bytes.length)
  return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)])
}
