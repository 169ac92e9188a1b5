import { join } from 'node:path'
import type { MomentStore } from '../../shared/keptMoments'
import { SET_FILES } from '../formats/momentSets'
import { SealedReader, writeSealed } from '../formats/sealedFile'
import { SecondMoment } from '../methods/secondMoment'
import { mirrorUpper } from '../numerics/accumulate'
import { bytesOf } from '../numerics/bytesOf'
import { type Matrix64, zeros64 } from '../numerics/matrix'
import { momentContent, statesContent } from '../plan/keptMoments'
import type { PreparedRun } from '../prepare/preparedRun'
import type { Calibrated } from './calibrated'
import type { HiddenStates } from './hiddenStates'

/** A set in the folder of kept second moments. */
export interface MomentSet {
  readonly store: MomentStore
  readonly key: string
}

/** Values that are read or written at a time, about. */
const PIECE_VALUES = 2 ** 18

const pathIn = ({ store, key }: MomentSet, name: string): string => join(store.folder, key, name)

/**
 * Writes what calibration found of a block: energies of its linears, then the upper triangle of H of each distinct input, by
 * rows, as the float64 values that they are.
 *
 * @throws {AppError} IO, naming the file
 */
export async function writeMoments(
  set: MomentSet,
  { parts }: Pick<PreparedRun, 'parts'>,
  block: number,
  label: Uint8Array,
  { moments, energies }: Calibrated
): Promise<void> {
  const linears = parts.linears(block).map(({ name }) => energies.get(name) as number)
  function* content(): Generator<Uint8Array> {
    yield bytesOf(Float64Array.from(linears))
    for (const { H } of moments) {
      for (const [first, end] of pieces(H.rows)) {
        const values = new Float64Array(triangle(H.rows - first) - triangle(H.rows - end))
        eachRow(H, first, end, (row, at) => values.set(row, at))
        yield bytesOf(values)
      }
    }
  }
  await writeSealed(pathIn(set, SET_FILES.block(block)), label, content())
}

/** @throws {BrokenSeal} where it is not there, or not what was written; {AppError} IO */
export async function readMoments(
  set: MomentSet,
  { parts }: Pick<PreparedRun, 'parts'>,
  block: number,
  label: Uint8Array
): Promise<Calibrated> {
  const content = momentContent({ parts }, block)
  const reader = await SealedReader.open(pathIn(set, SET_FILES.block(block)), label, content)
  try {
    const linears = parts.linears(block)
    const values = new Float64Array(linears.length)
    await reader.read(bytesOf(values))
    const moments: SecondMoment[] = []
    for (const size of parts.inputs(block)) moments.push(new SecondMoment(await readSymmetric(reader, size)))
    await reader.finish()
    return { moments, energies: new Map(linears.map(({ name }, i) => [name, values[i] as number])) }
  } finally {
    await reader.close()
  }
}

async function readSymmetric(reader: SealedReader, size: number): Promise<Matrix64> {
  const H = zeros64(size, size)
  for (const [first, end] of pieces(size)) {
    const values = new Float64Array(triangle(size - first) - triangle(size - end))
    await reader.read(bytesOf(values))
    eachRow(H, first, end, (row, at) => row.set(values.subarray(at, at + row.length)))
  }
  mirrorUpper(H)
  return H
}

const triangle = (size: number): number => (size * (size + 1)) / 2

/** Rows [first, end) of an upper triangle that are read or written together. */
function* pieces(size: number): Generator<[first: number, end: number]> {
  for (let first = 0; first < size; ) {
    const rows = Math.max(1, Math.floor(PIECE_VALUES / (size - first)))
    const end = Math.min(size, first + rows)
    yield [first, end]
    first = end
  }
}

/** What of each row lies in the upper triangle, and where it stands among those of all. */
function eachRow(
  { data, rows: n }: Matrix64,
  first: number,
  end: number,
  use: (row: Float64Array, at: number) => void
) {
  for (let i = first, at = 0; i < end; at += n - i, i++) use(data.subarray(i * n + i, (i + 1) * n), at)
}

/** Writes the calibration rows' states behind the last block. @throws {AppError} IO, naming the file */
export async function writeStates(set: MomentSet, states: HiddenStates, label: Uint8Array): Promise<void> {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let batch = 0; batch < states.batches; batch++) yield bytesOf(await states.read(batch))
  }
  await writeSealed(pathIn(set, SET_FILES.states), label, content())
}

/** The same again, as that generation. @throws {BrokenSeal} as `readMoments`; the states are what they were then */
export async function readStates(
  set: MomentSet,
  prepared: PreparedRun,
  states: HiddenStates,
  label: Uint8Array
): Promise<void> {
  const reader = await SealedReader.open(pathIn(set, SET_FILES.states), label, statesContent(prepared))
  try {
    await states.begin(prepared.architecture.blocks)
    for (let batch = 0; batch < states.batches; batch++) {
      const [begin, end] = states.positionsOf(batch)
      const values = new Float32Array((end - begin) * states.shape.width)
      await reader.read(bytesOf(values))
      await states.write(batch, values)
    }
    await reader.finish()
    await states.finish()
  } catch (error) {
    await states.revert()
    throw error
  } finally {
    await reader.close()
  }
}
