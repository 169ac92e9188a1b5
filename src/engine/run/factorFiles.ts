import { join } from 'node:path'
import type { RankChoice } from '../../shared/rankBudget'
import type { FactorDtype } from '../../shared/recipe'
import {
  acceptedVariants,
  chosenRanks,
  type JournalEntry,
  RUN_FILES,
  refinedVariants,
  type SolvedBlock,
  solvedBlocks
} from '../../shared/runFolder'
import { decodeFloats, encodeFloats, FILE_DTYPES, type FloatDtype } from '../formats/dtypes'
import { sha256File } from '../formats/files'
import { adapterTensorName } from '../formats/peftAdapter'
import { type TensorData, writeSafetensors } from '../formats/safetensorsWriter'
import { WeightFile } from '../formats/weightFile'
import type { LoraFactors } from '../methods/factors'
import type { Matrix32 } from '../numerics/matrix'
import type { SolvedVariant } from '../solve/solveLinear'

/** A file of factors, as the journal names it. */
type WrittenFactors = SolvedBlock['factors']

/** Under what the factors of a variant lie, or those with one rank everywhere beside ranks of its own; no name has a colon. */
const candidateKey = (variant: string, uniform: boolean): string => (uniform ? `${variant}:uniform` : variant)

/** Writes the factors of all variants of one block; names are `<variant>/<key in the adapter>`. */
export async function writeFactors(
  folder: string,
  block: number,
  solved: readonly SolvedVariant[],
  dtype: FactorDtype
): Promise<WrittenFactors> {
  const tensors = solved.flatMap(({ variant, uniform, factors, result }) =>
    encoded(candidateKey(variant, uniform), result.name, factors, dtype)
  )
  return write(folder, `block-${String(block).padStart(4, '0')}`, tensors)
}

/** Writes the factors of one variant that are kept, by path of the linear, under the same names. */
export async function writeKeptFactors(
  folder: string,
  name: string,
  variant: string,
  factors: ReadonlyMap<string, LoraFactors>,
  dtype: FactorDtype
): Promise<WrittenFactors> {
  const tensors = [...factors].flatMap(([path, found]) => encoded(variant, path, found, dtype))
  return write(folder, name, tensors)
}

async function write(folder: string, name: string, tensors: readonly TensorData[]): Promise<WrittenFactors> {
  const file = `${RUN_FILES.factors}/${name}.safetensors`
  const { sha256 } = await writeSafetensors(join(folder, file), tensors)
  return { file, sha256 }
}

function encoded(variant: string, path: string, factors: LoraFactors, dtype: FactorDtype): TensorData[] {
  const stored = FILE_DTYPES[dtype]
  return (['A', 'B'] as const).map((side) => {
    const { data, rows, cols } = factors[`lora${side}`]
    const name = `${variant}/${adapterTensorName(path, side)}`
    return { name, dtype: stored, shape: [rows, cols], data: encodeFloats(data, stored) }
  })
}

/** True when a file of the run's folder is as the journal says. */
export const isIntact = (folder: string, { file, sha256 }: WrittenFactors): Promise<boolean> =>
  sha256File(join(folder, file)).then(
    (digest) => digest === sha256,
    () => false
  )

/** Files of factors, and under what those of one variant lie there. */
export interface FactorPlace {
  readonly files: readonly WrittenFactors[]
  readonly key: string
}

/** Where a variant's factors lie as its method found them, with the ranks that were kept. */
export function foundFactors(journal: readonly JournalEntry[], variant: string): FactorPlace {
  return candidateFactors(journal, variant, chosenRanks(journal).get(variant)?.kept ?? 'budget')
}

/** The same of either choice of ranks. */
export const candidateFactors = (
  journal: readonly JournalEntry[],
  variant: string,
  candidate: RankChoice['kept']
): FactorPlace => ({
  files: solvedBlocks(journal).map(({ factors }) => factors),
  key: candidateKey(variant, candidate === 'uniform')
})

/** Where a variant's factors lie that are its adapter: those that its refinement or its acceptance kept, where these are others. */
export function keptFactors(journal: readonly JournalEntry[], variant: string): FactorPlace {
  const kept = refinedVariants(journal).get(variant)?.factors ?? acceptedVariants(journal).get(variant)?.factors
  return kept === undefined ? foundFactors(journal, variant) : { files: [kept], key: candidateKey(variant, false) }
}

/** Of these files those that hold a block's factors: one where each block has its own, else the one that holds all. */
export const inBlock = ({ files, key }: FactorPlace, block: number): FactorPlace => ({
  files: files.length === 1 ? files : files.slice(block, block + 1),
  key
})

/**
 * One variant's adapter tensors out of such files.
 *
 * @param paths - of the linears that are wanted; all when left out
 */
export async function readFactors(
  folder: string,
  { files, key }: FactorPlace,
  paths?: readonly string[]
): Promise<TensorData[]> {
  const wanted = paths && new Set(paths.flatMap((path) => [adapterTensorName(path, 'A'), adapterTensorName(path, 'B')]))
  const tensors: TensorData[] = []
  for (const { file: name } of files) {
    const file = await WeightFile.open(join(folder, name))
    try {
      for (const { name, dtype, shape, begin, end } of file.header.tensors.values()) {
        if (!name.startsWith(`${key}/`)) continue
        if (wanted?.has(name.slice(key.length + 1)) === false) continue
        const data = new Uint8Array(end - begin)
        await file.read(data, begin)
        tensors.push({ name: name.slice(key.length + 1), dtype, shape, data })
      }
    } finally {
      await file.close()
    }
  }
  return tensors
}

/** The factors of linears out of such tensors, by path. */
export function decodeFactors(tensors: readonly TensorData[], paths: Iterable<string>): Map<string, LoraFactors> {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const read = (path: string, side: 'A' | 'B'): Matrix32 | undefined => {
    const tensor = byName.get(adapterTensorName(path, side))
    if (tensor === undefined) return undefined
    const [rows = 0, cols = 0] = tensor.shape
    const data = new Float32Array(rows * cols)
    decodeFloats(tensor.data, tensor.dtype as FloatDtype, data)
    return { data, rows, cols }
  }
  const found = new Map<string, LoraFactors>()
  for (const path of paths) {
    const [loraA, loraB] = [read(path, 'A'), read(path, 'B')]
    if (loraA !== undefined && loraB !== undefined) found.set(path, { loraA, loraB })
  }
  return found
}
