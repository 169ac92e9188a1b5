/* For what a path may be named by the window. A grant is for one path and one purpose; nothing is granted by being named. */

/** Each purpose as the end of a sentence: `it was not chosen for …`. */
export const PURPOSES = {
  readModel: 'reading as a checkpoint',
  readText: 'reading as text',
  readRecipe: 'reading as a recipe',
  readBundle: 'reading as a run bundle',
  readAdapter: 'reading as an adapter',
  /** Whether it is a folder, and whether a JSON file is a recipe. */
  recognize: 'finding out what it holds',
  writeRecipe: 'writing a recipe',
  writeBundle: 'writing a run bundle',
  writeFile: 'writing what the window saves',
  /** A directory for adapters, or for a quantized base. */
  writeFolder: 'writing adapters or a base',
  /** Showing it in the file manager. */
  reveal: 'being shown'
} as const
export type Purpose = keyof typeof PURPOSES

/** What is written; never where a checkpoint or Quail itself keeps its files. */
export const WRITING: ReadonlySet<Purpose> = new Set(['writeRecipe', 'writeBundle', 'writeFile', 'writeFolder'])

/** A directory that is granted for these stands for all that lies in it; everything else is the one path. */
export const WHOLE_DIRECTORY: ReadonlySet<Purpose> = new Set(['readModel', 'readAdapter', 'writeFolder', 'reveal'])

/** A path as a call names it, or as it is granted. */
export interface NamedPath {
  readonly path: string
  readonly purpose: Purpose
}

/** Paths of one purpose. */
export const forPurpose = <P extends Purpose>(purpose: P, paths: readonly string[]): (NamedPath & { purpose: P })[] =>
  paths.map((path) => ({ path, purpose }))
