const partsOf = (directory: string): string[] => directory.split(/[\\/]/).filter(Boolean)

/**
 * How a base model is called in files that travel: `org/name` for a snapshot in the Hugging Face cache, else the name of
 * its directory. Never a path of this machine.
 */
export const baseModelName = (directory: string): string =>
  repositoryOf(directory) ?? partsOf(directory).at(-1) ?? directory

/**
 * What PEFT finds a base model by: `org/name` for a snapshot in the Hugging Face cache, else its directory. A bare name
 * would be looked up on the hub, where another model may have it.
 */
export const baseModelReference = (directory: string): string => repositoryOf(directory) ?? directory

function repositoryOf(directory: string): string | undefined {
  const parts = partsOf(directory)
  const [repository = '', snapshots] = parts.slice(-3)
  const isSnapshot = parts.length >= 3 && snapshots === 'snapshots' && repository.startsWith('models--')
  return isSnapshot ? repository.slice('models--'.length).replace('--', '/') : undefined
}

/** What people call a checkpoint: as in files that travel, but the sample by its purpose. */
export const modelName = (directory: string): string =>
  partsOf(directory).slice(-3).join('/') === 'resources/sample/model' ? 'sample model' : baseModelName(directory)
