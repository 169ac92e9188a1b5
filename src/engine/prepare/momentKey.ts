import { arch, cpus } from 'node:os'
import { rowsDigest } from '../calibration/rowsDigest'
import { sha256 } from '../formats/files'
import { deviceOf } from '../graph/devices/registry'
import { runtimeVersion } from '../graph/session'
import type { PreparedRun } from './preparedRun'

/** Raised whenever second moments of the same rows get other bits, or their files another form. */
const MOMENTS_VERSION = 1

/** On what second moments are computed: another device, processor or library may give other bits. */
export async function computedOn({ recipe: { device } }: Pick<PreparedRun, 'recipe'>): Promise<string> {
  const { adapters } = await deviceOf(device).facts(true)
  return JSON.stringify([MOMENTS_VERSION, device, adapters, arch(), cpus()[0]?.model, runtimeVersion()])
}

/**
 * Where second moments of this model and these calibration rows are looked for: SHA-256 of both as far as it can be told without
 * reading weights. That weights are the same is found out block by block (run/momentKeeper.ts).
 */
export async function momentKey(prepared: PreparedRun): Promise<string> {
  const { checkpoint, calibration, recipe } = prepared
  const { directory, stamp, config } = checkpoint
  const rows = rowsDigest(calibration)
  return sha256(JSON.stringify([await computedOn(prepared), directory, stamp, config, recipe.context, rows]))
}
