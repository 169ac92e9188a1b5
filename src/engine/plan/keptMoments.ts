import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeptMoments, MomentStore } from '../../shared/keptMoments'
import { makeFolder } from '../formats/files'
import { listMomentSets, readSetFacts, SET_FILES } from '../formats/momentSets'
import { hasLength, sealedBytes } from '../formats/sealedFile'
import { stateSize } from '../models/architecture'
import { momentKey } from '../prepare/momentKey'
import { isDecidedLate, type PreparedRun } from '../prepare/preparedRun'
import { hiddenBytes } from '../prepare/streamShapes'

/** Bytes of a block's second moments: the upper triangle of each, and the output energy of each linear. */
export const momentContent = ({ parts }: Pick<PreparedRun, 'parts'>, block: number): number =>
  8 * parts.inputs(block).reduce((sum, n) => sum + (n * (n + 1)) / 2, parts.linears(block).length)

/** Bytes of the calibration rows' states behind the last block. */
export const statesContent = ({ calibration, recipe, architecture }: PreparedRun): number =>
  hiddenBytes({ rows: calibration.rows, context: recipe.context, width: stateSize(architecture) })

/** Whether the calibration rows are compared with the quantized model after the last block: refined, chosen or accepted. */
export const needsLastStates = ({ variants }: Pick<PreparedRun, 'variants'>): boolean => variants.some(isDecidedLate)

/** What all that is kept of a run takes on the disk. */
const keptBytes = (prepared: PreparedRun): number =>
  Array.from({ length: prepared.architecture.blocks }, (_, block) =>
    sealedBytes(momentContent(prepared, block))
  ).reduce((sum, bytes) => sum + bytes, sealedBytes(statesContent(prepared)))

/**
 * What a run would do with kept second moments: use those that are there, keep its own, or neither. Nothing is changed.
 *
 * @param needed - bytes of disk that the run itself needs
 * @returns undefined where none are kept, or where the recipe leaves open how many rows are taken
 */
export async function keptMoments(
  prepared: PreparedRun,
  store: MomentStore | undefined,
  needed: number
): Promise<{ readonly key: string; readonly kept: KeptMoments } | undefined> {
  const open = prepared.cutCalibration !== undefined && prepared.enoughRows === undefined
  if (store === undefined || store.limitBytes === 0 || open) return undefined
  const key = await momentKey(prepared)
  const bytes = keptBytes(prepared)
  if (await isComplete(prepared, store.folder, key)) return { key, kept: { state: 'used', bytes } }
  const { limitBytes } = store
  if (bytes > limitBytes) return { key, kept: { state: 'tooLarge', bytes, limitBytes } }
  const freeBytes = await roomFor(store, key, bytes, needed)
  return { key, kept: freeBytes < bytes ? { state: 'noRoom', bytes, freeBytes } : { state: 'kept', bytes } }
}

async function isComplete(prepared: PreparedRun, folder: string, key: string): Promise<boolean> {
  const facts = await readSetFacts(folder, key)
  if (facts?.complete !== true) return false
  const files = Array.from({ length: prepared.architecture.blocks }, (_, block): [string, number] => [
    SET_FILES.block(block),
    momentContent(prepared, block)
  ])
  for (const [name, content] of [...files, [SET_FILES.states, statesContent(prepared)] as const])
    if (!(await hasLength(join(folder, key, name), sealedBytes(content)))) return false
  return true
}

/** Free bytes beside what the run needs, once the sets that have to go for this one are gone. */
async function roomFor({ folder, limitBytes }: MomentStore, key: string, bytes: number, needed: number) {
  await makeFolder(folder).catch(() => {}) // what cannot be made has no room
  const disk = await statfs(folder).catch(() => undefined)
  if (disk === undefined) return 0
  const sets = await listMomentSets(folder)
  const own = sets.find((set) => set.key === key)?.bytes ?? 0
  const others = sets.reduce((sum, set) => sum + set.bytes, 0) - own
  const going = Math.max(0, others + bytes - limitBytes)
  return Math.max(0, disk.bavail * disk.bsize + own + going - needed)
}
