import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EnoughRows } from '../../shared/enoughRows'
import { RUN_FILES } from '../../shared/runFolder'
import { isMissing, writeFileAtomic } from '../formats/files'
import { LinearAlgebra } from '../graph/linearAlgebra'
import type { PreparedRun } from '../prepare/preparedRun'
import { findEnoughRows } from './findEnoughRows'
import type { RowsTools } from './firstBlock'

type Tools = Omit<RowsTools, 'algebra'>

/**
 * The run with its calibration rows chosen: where the recipe asks how many are enough, as many as that are, as if it had
 * said so. What was found is kept in the run's folder, so that a run that goes on has the same rows.
 */
export async function chooseRows(tools: Tools, folder: string): Promise<PreparedRun> {
  const { prepared } = tools
  const { cutCalibration, recipe } = prepared
  if (cutCalibration === undefined) return prepared
  const enoughRows = (await known(folder)) ?? (await found(tools, folder))
  return { ...prepared, enoughRows, calibration: await cutCalibration(enoughRows.rows, recipe.calibration.draw ?? 0) }
}

async function found(tools: Tools, folder: string): Promise<EnoughRows> {
  const algebra = new LinearAlgebra(tools.prepared.recipe.device)
  try {
    const enough = await findEnoughRows({ ...tools, algebra })
    await writeFileAtomic(join(folder, RUN_FILES.enough), `${JSON.stringify(enough, null, 2)}\n`)
    return enough
  } finally {
    await algebra.release()
  }
}

async function known(folder: string): Promise<EnoughRows | undefined> {
  try {
    return EnoughRows.safeParse(JSON.parse(await readFile(join(folder, RUN_FILES.enough), 'utf8'))).data
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}
