import { statSync } from 'node:fs'
import { extname } from 'node:path'
import type { PickKind } from '../shared/contract/app'
import type { NamedPath, Purpose } from '../shared/contract/purposes'

/** For what a file is read, by its ending. */
const BY_ENDING: Readonly<Record<string, readonly Purpose[]>> = {
  '.yaml': ['readRecipe'],
  '.yml': ['readRecipe'],
  '.quail': ['readRecipe'],
  '.quailrun': ['readBundle'],
  // A bundle, or texts, of which the import says that they are to be unpacked.
  '.tar': ['readBundle', 'readText'],
  '.zip': ['readBundle', 'readText'],
  // A recipe or rows: what it holds tells.
  '.json': ['readRecipe', 'readText']
}

/** What a person who chose something for this wants done with it. */
const BY_KIND: Readonly<Record<PickKind, Purpose>> = {
  model: 'readModel',
  models: 'readModel',
  folder: 'writeFolder',
  texts: 'readText',
  recipe: 'readRecipe',
  bundle: 'readBundle'
}

/** What was dropped on the window, or given to the program, is granted for what its kind is read for. */
export function purposesOf(path: string): NamedPath[] {
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  const purposes = isFile
    ? (BY_ENDING[extname(path).toLowerCase()] ?? ['readText', 'readModel'])
    : ['readModel' as const]
  return [...purposes, 'recognize' as const].map((purpose) => ({ path, purpose }))
}

/** What was chosen in a dialog is granted for what the dialog asked for, a file also for what its ending says. */
export function pickedFor(kind: PickKind, path: string): NamedPath[] {
  const asked: NamedPath = { path, purpose: BY_KIND[kind] }
  const isFolder = ['readModel', 'writeFolder'].includes(asked.purpose)
  return isFolder ? [asked, { path, purpose: 'recognize' }] : [asked, ...purposesOf(path)]
}
