const partsOf = (directory: string): string[] => directory.split(/[\\/]/).filter(Boolean)

/**
 * How a base model is called in files that travel: `org/name` for a snapshot in the Hugging Face cache, else the name of
 * its directory. Never a path of this machine.
 */
export function baseModelName(directory: string): string {
  const parts = partsOf(directory)
  const [repository = '', snapshots] = parts.slice(-3)
  const isSnapshot = parts.length >= 3 && snapshots === 'snapshots' && repository.startsWith('models--')
  return isSnapshot ? repository.slice('models--'.length).replace('--', '/') : (parts.at(-1) ?? directory)
}

/** What people call a checkpoint: as in files that travel, but the sample by its purpose. */
export const modelName = (directory: string): string =>
  partsOf(directory).slice(-3).join('/') === 'resources/sample/model' ? 'sample model' : baseModelName(directory)
