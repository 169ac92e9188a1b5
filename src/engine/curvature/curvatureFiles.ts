import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import { RUN_FILES, type WrittenTensors } from '../../shared/runFolder'
import { decodeFloats, encodeFloats } from '../formats/dtypes'
import { type TensorData, writeSafetensors } from '../formats/safetensorsWriter'
import { WeightFile } from '../formats/weightFile'
import { OutputCurvature } from '../methods/outputCurvature'

/*
 * The curvature of a block's linears in the run's folder, from the pass that measures it to the one that solves: for a linear
 * `<path>.vectors` [out, k] and `<path>.values` [k + 1], the last of which is the floor.
 */

/** Begins the names of these files. */
export const CURVATURE_PREFIX = 'curvature.'

/** @param curvature - by path of the linear */
export async function writeCurvature(
  folder: string,
  block: number,
  curvature: ReadonlyMap<string, OutputCurvature>
): Promise<WrittenTensors> {
  const file = `${RUN_FILES.spool}/${CURVATURE_PREFIX}${String(block).padStart(4, '0')}.safetensors`
  const tensors = [...curvature].flatMap(([path, { vectors, values, floor }]) => [
    floats(`${path}.vectors`, vectors.data, [vectors.rows, vectors.cols]),
    floats(`${path}.values`, Float32Array.of(...values, floor), [values.length + 1])
  ])
  const { sha256 } = await writeSafetensors(join(folder, file), tensors)
  return { file, sha256 }
}

const floats = (name: string, data: Float32Array, shape: readonly number[]): TensorData => ({
  name,
  dtype: 'F32',
  shape,
  data: encodeFloats(data, 'F32')
})

/** The curvature of a block's linears, by path. */
export async function readCurvature(
  folder: string,
  { file: name }: WrittenTensors
): Promise<Map<string, OutputCurvature>> {
  const file = await WeightFile.open(join(folder, name))
  try {
    const read = async (tensor: string): Promise<{ data: Float32Array; shape: readonly number[] }> => {
      const { begin, end, shape } = file.header.tensors.get(tensor) ?? missing(name, tensor)
      const bytes = new Uint8Array(end - begin)
      await file.read(bytes, begin)
      const data = new Float32Array(bytes.length / 4)
      decodeFloats(bytes, 'F32', data)
      return { data, shape }
    }
    const found = new Map<string, OutputCurvature>()
    for (const tensor of file.header.tensors.keys()) {
      if (!tensor.endsWith('.vectors')) continue
      const path = tensor.slice(0, -'.vectors'.length)
      const { data, shape } = await read(tensor)
      const values = Float64Array.from((await read(`${path}.values`)).data)
      const vectors = { data, rows: shape[0] as number, cols: shape[1] as number }
      found.set(path, new OutputCurvature(vectors, values.subarray(0, -1), values.at(-1) as number))
    }
    return found
  } finally {
    await file.handle.close()
  }
}

function missing(file: string, tensor: string): never {
  throw new AppError('INTERNAL', `${file}: no tensor ${tensor}`)
}
