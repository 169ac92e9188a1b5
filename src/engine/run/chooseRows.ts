import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EnoughRows } from '../../shared/enoughRows'
import { FoundRows, RUN_FILES } from '../../shared/runFolder'
import { rowsDigest } from '../calibration/rowsDigest'
import { isMissing, sha256, writeFileAtomic } from '../formats/files'
import { LinearAlgebra } from '../graph/linearAlgebra'
import type { PreparedRun } from '../prepare/preparedRun'
import { findEnoughRows } from './findEnoughRows'
import type { RowsTools } from './firstBlock'
import { modelStamp } from './modelUnchanged'
import { numericsDigest } from './numericsDigest'
import { recipeDigest } from './recipeDigest'

type Tools = Omit<RowsTools, 'algebra'>

/**
 * The run with its calibration rows chosen: where the recipe asks how many are enough, as many as that are, as if it had
 * said so. What was found is kept in the run's folder, so that a run that goes on need not look again; of other texts, another
 * recipe, model or version it would be what the run as it is now would not find, and it is found anew.
 */
export async function chooseRows(tools: Tools, folder: string): Promise<PreparedRun> {
  const { prepared } = tools
  const { cutCalibration, recipe } = prepared
  if (cutCalibration === undefined) return prepared
  const of = foundOf(prepared)
  const enoughRows = (await known(folder, of)) ?? (await found(tools, folder, of))
  return { ...prepared, enoughRows, calibration: await cutCalibration(enoughRows.rows, recipe.calibration.draw ?? 0) }
}

/**
 * SHA-256 of what decides how many rows are enough. Not of the device: a run that goes on on the processor has the rows that it
 * began with.
 */
function foundOf(prepared: PreparedRun): string {
  const { calibration, recipe } = prepared
  const { rows, enough, draw } = recipe.calibration
  const wish = [rows, enough, draw, calibration.available, rowsDigest(calibration)]
  return sha256(JSON.stringify([numericsDigest(), modelStamp(prepared), recipeDigest(recipe), wish]))
}

async function found(tools: Tools, folder: string, of: string): Promise<EnoughRows> {
  const algebra = new LinearAlgebra(tools.prepared.recipe.device)
  try {
    const enough = await findEnoughRows({ ...tools, algebra })
    const noted: FoundRows = { of, enough }
    await writeFileAtomic(join(folder, RUN_FILES.enough), `${JSON.stringify(noted, null, 2)}\n`)
    return enough
  } finally {
    await algebra.release()
  }
}

async function known(folder: string, of: string): Promise<EnoughRows | undefined> {
  try {
    const noted = FoundRows.safeParse(JSON.parse(await readFile(join(folder, RUN_FILES.enough), 'utf8'))).data
    return noted?.of === of ? noted.enough : undefined
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}
