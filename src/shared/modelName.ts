/**
 * What people call a checkpoint, from where it lies: `org/name` in a Hugging Face cache, whose folders end in a hash;
 * the sample by its purpose; anything else by its folder.
 */
export function modelName(directory: string): string {
  const parts = directory.split(/[\\/]/).filter(Boolean)
  const cached = parts.findLast((part) => part.startsWith('models--'))
  if (cached !== undefined) return cached.slice('models--'.length).replace('--', '/')
  if (parts.slice(-3).join('/') === 'resources/sample/model') return 'sample model'
  return parts.at(-1) ?? directory
}
