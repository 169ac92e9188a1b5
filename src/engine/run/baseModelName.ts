import { basename, dirname } from 'node:path'

/**
 * How a base model is called in files that travel: `org/name` for a snapshot in the Hugging Face cache, else the name of
 * its directory. Never a path of this machine.
 */
export function baseModelName(directory: string): string {
  const repository = basename(dirname(dirname(directory)))
  const isSnapshot = basename(dirname(directory)) === 'snapshots' && repository.startsWith('models--')
  return isSnapshot ? repository.slice('models--'.length).replace('--', '/') : basename(directory)
}
