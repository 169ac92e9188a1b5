import { join } from 'node:path'
import { AppError } from '../../shared/errors'
import type { FactorDtype } from '../../shared/recipe'
import { RUN_FILES, type SolvedBlock } from '../../shared/runFolder'
import { encodeFloats, FILE_DTYPES } from '../formats/dtypes'
import { sha256File } from '../formats/files'
import { adapterTensorName } from '../formats/peftAdapter'
import { type TensorData, writeSafetensors } from '../formats/safetensorsWriter'
import { WeightFile } from '../formats/weightFile'
import type { Matrix32 } from '../numerics/matrix'
import type { SolvedVariant } from './solveLinear'

/** Writes the factors of all variants of one block; names are `<variant>/<key in the adapter>`. */
export async function writeFactors(
  folder: string,
  block: number,
  solved: readonly SolvedVariant[],
  dtype: FactorDtype
): Promise<SolvedBlock['factors']> {
  const tensors = solved.flatMap(({ variant, factors, result }) =>
    (['A', 'B'] as const).map((side) =>
      encode(`${variant.name}/${adapterTensorName(result.name, side)}`, factors[`lora${side}`], dtype)
    )
  )
  const file = `${RUN_FILES.factors}/block-${String(block).padStart(4, '0')}.safetensors`
  const { sha256 } = await writeSafetensors(join(folder, file), tensors)
  return { file, sha256 }
}

function encode(name: string, { data, rows, cols }: Matrix32, dtype: FactorDtype): TensorData {
  const stored = FILE_DTYPES[dtype]
  return { name, dtype: stored, shape: [rows, cols], data: encodeFloats(data, stored) }
}

/** True when a block's factors are on the disk as the journal says. */
export const factorsAreIntact = (folder: string, { factors }: SolvedBlock): Promise<boolean> =>
  sha256File(join(folder, factors.file)).then(
    (digest) => digest === factors.sha256,
    () => false
  )

/** One variant's adapter tensors, gathered from the files of all blocks. */
export async function readFactors(
  folder: string,
  journal: readonly SolvedBlock[],
  variant: string
): Promise<TensorData[]> {
  const tensors: TensorData[] = []
  for (const { factors } of journal) {
    const file = await WeightFile.open(join(folder, factors.file))
    try {
      for (const { name, dtype, shape, begin, end } of file.header.tensors.values()) {
        if (!name.startsWith(`${variant}/`)) continue
        const data = new Uint8Array(end - begin)
        await file.read(data, begin)
        tensors.push({ name: name.slice(variant.length + 1), dtype, shape, data })
      }
    } finally {
      await file.close()
    }
  }
  if (tensors.length === 0) throw new AppError('INTERNAL', `${folder}: no factors of variant ${variant}`)
  return tensors
}
