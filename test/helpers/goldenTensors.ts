import { closeSync, openSync, readSync } from 'node:fs'
import type { Matrix64 } from '../../src/engine/numerics/matrix'

interface Entry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

export interface GoldenTensor {
  readonly dtype: string
  readonly shape: number[]
  readonly bytes: Buffer
}

/** A reader of its own, so that golden tests do not trust the reader under test. */
export function readGoldenTensors(path: string): Map<string, GoldenTensor> {
  const file = openSync(path, 'r')
  try {
    const length = Number(readExactly(file, 0, 8).readBigUInt64LE())
    const header = JSON.parse(readExactly(file, 8, length).toString('utf8')) as Record<string, Entry>
    delete header.__metadata__
    return new Map(
      Object.entries(header).map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end]
          }
        ]) => [name, { dtype, shape, bytes: readExactly(file, 8 + length + begin, end - begin) }]
      )
    )
  } finally {
    closeSync(file)
  }
}

function readExactly(file: number, position: number, length: number): Buffer {
  // Alignment matters: typed arrays are laid over the bytes.
  const buffer = Buffer.from(new ArrayBuffer(length))
  if (readSync(file, buffer, 0, length, position) !== length) throw new Error('golden file is truncated')
  return buffer
}

const tensorOf = (path: string, name: string, dtype: string): GoldenTensor => {
  const tensor = readGoldenTensors(path).get(name)
  if (tensor?.dtype !== dtype) throw new Error(`${path}: ${name} is ${tensor?.dtype ?? 'missing'}, expected ${dtype}`)
  return tensor
}

export function float64s(tensor: GoldenTensor): Float64Array {
  const { buffer, byteOffset, byteLength } = tensor.bytes
  if (tensor.dtype === 'F64') return new Float64Array(buffer, byteOffset, byteLength / 8)
  if (tensor.dtype === 'F32') return Float64Array.from(new Float32Array(buffer, byteOffset, byteLength / 4))
  if (tensor.dtype === 'I64') return Float64Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number)
  throw new Error(`unexpected dtype ${tensor.dtype}`)
}

export function readMatrix64(path: string, name: string): Matrix64 {
  const tensor = tensorOf(path, name, 'F64')
  const [rows = 0, cols = 0] = tensor.shape
  return { data: float64s(tensor), rows, cols }
}
