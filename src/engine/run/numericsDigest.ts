import { sha256 } from '../formats/files'
import { runtimeVersion } from '../graph/session'

/*
 * Another version of Quail, or of the library that computes its graphs, may round elsewhere. A run that one of them began and
 * another ended would carry bytes of both, which neither gives by itself.
 */

/** Raised with every change after which a run writes other bytes than before. */
const NUMERICS_VERSION = 1

/** SHA-256 of what decides a run's bytes beside its recipe, texts and model. */
export function numericsDigest(): string {
  return sha256(JSON.stringify([NUMERICS_VERSION, runtimeVersion()]))
}
