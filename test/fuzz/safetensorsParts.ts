import { mutateBytes } from './mutateBytes'
import { mutateText } from './mutateText'
import { pick, type Random } from './random'

/** A safetensors file in its two parts, the length field left out. */
export interface SafetensorsParts {
  readonly header: string
  readonly data: Buffer
}

export function splitSafetensors(bytes: Buffer): SafetensorsParts {
  const end = 8 + Number(bytes.readBigUInt64LE())
  return { header: bytes.toString('utf8', 8, end), data: bytes.subarray(end) }
}

const LENGTHS = [0n, 1n, 7n, 8n, 100_000_000n, 100_000_001n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]

/** One part changed, the others sound, so that what lies behind the first check is reached. */
export function mutateSafetensors({ header, data }: SafetensorsParts, random: Random): Buffer {
  const kind = random(10)
  if (kind < 6) return joined(mutateText(header, random), data)
  const json = Buffer.from(header)
  if (kind < 7) return joined(json, mutateBytes(data, random))
  if (kind < 8) return joined(json, data, BigInt(json.length) + BigInt(random(9)) - 4n)
  if (kind < 9) return joined(json, data, pick(random, LENGTHS))
  return mutateBytes(joined(json, data), random)
}

export const joinSafetensors = ({ header, data }: SafetensorsParts): Buffer => joined(Buffer.from(header), data)

function joined(header: Buffer, data: Buffer, declared = BigInt(header.length)): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt.asUintN(64, declared))
  return Buffer.concat([length, header, data])
}
