import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, resolve } from 'node:path'
import { parseDocument as parseYaml } from 'yaml'
import { JsonFault, parseStrictJson } from '../engine/formats/strictJson'
import { decodeTextFile } from '../engine/formats/textEncoding'
import { AppError, badInput } from '../shared/errors'
import type { Recipe } from '../shared/recipe'
import { describeRecipeProblems, parseRecipe } from './recipeProblems'
import { yamlExcess } from './yamlShape'

const MAX_RECIPE_BYTES = 4 * 2 ** 20
/** What is only looked at before it is replaced is not worth more reading. */
const MAX_REPLACED_BYTES = 2 ** 18

/**
 * Reads a recipe from a YAML or JSON file; relative paths in it start at the file's own directory.
 *
 * @throws {AppError} BAD_INPUT with one sentence that names the file, the key and what is accepted there
 */
export async function readRecipeFile(path: string): Promise<Recipe> {
  return parseRecipeText(await readText(path), path)
}

/**
 * Reads a recipe from the text of a YAML or JSON file.
 *
 * @param path - the file: its ending says how it is read, its directory where relative paths start
 * @throws {AppError} BAD_INPUT like `readRecipeFile`
 */
export function parseRecipeText(text: string, path: string): Recipe {
  const parsed = parseRecipe(parseDocument(text, path))
  if (!parsed.success) throw badInput(`${path}: ${describeRecipeProblems(parsed.error)}`)
  return absolutePaths(parsed.data, dirname(resolve(path)))
}

/** What lies at a path: a folder, JSON that is meant as a recipe, sound or not, or any other file. */
export async function kindOfPath(path: string): Promise<'folder' | 'recipe' | 'file'> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return 'folder'
  const small = found?.isFile() === true && found.size <= MAX_RECIPE_BYTES
  return small && (await looksLikeRecipe(path)) ? 'recipe' : 'file'
}

async function looksLikeRecipe(path: string): Promise<boolean> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && value !== null && 'variants' in value && 'model' in value
  } catch {
    return false
  }
}

/**
 * Makes sure that what lies at a path is a recipe, if anything: only such a file is replaced by another.
 *
 * @throws {AppError} BAD_INPUT
 */
export async function assertRecipeOrNothing(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return
  const holdsRecipe = async (): Promise<boolean> => {
    if (!found.isFile() || found.size > MAX_REPLACED_BYTES) return false
    const value = parseDocument(await readText(path), path)
    return typeof value === 'object' && value !== null && 'variants' in value && 'model' in value
  }
  if (await holdsRecipe().catch(() => false)) return
  throw badInput(`${path} is there and holds no recipe; only a recipe is replaced by another, choose another name`)
}

/** The recipe with every path made absolute, as seen from `directory`. */
export function absolutePaths(recipe: Recipe, directory: string): Recipe {
  const source = <T extends { files?: string[] | undefined }>(texts: T): T =>
    texts.files === undefined ? texts : { ...texts, files: texts.files.map((file) => resolve(directory, file)) }
  return {
    ...recipe,
    model: resolve(directory, recipe.model),
    ...(recipe.base !== undefined && { base: resolve(directory, recipe.base) }),
    calibration: source(recipe.calibration),
    ...(recipe.evaluation && { evaluation: source(recipe.evaluation) })
  }
}

async function readText(path: string): Promise<string> {
  const failed = (error: NodeJS.ErrnoException): never => {
    if (error.code === 'ENOENT') throw badInput(`${path} does not exist; a recipe is a YAML or JSON file`)
    throw error
  }
  const found = await stat(path).catch(failed)
  if (found.isDirectory()) throw badInput(`${path} is a directory; a recipe is a YAML or JSON file`)
  if (!found.isFile()) throw badInput(`${path} is not a file; a recipe is a YAML or JSON file`)
  if (found.size > MAX_RECIPE_BYTES)
    throw badInput(`${path} has ${found.size} bytes, a recipe at most ${MAX_RECIPE_BYTES}; that is not a recipe`)
  return decodeTextFile(await readFile(path).catch(failed), path)
}

/** YAML is read for every ending but .json: it includes JSON, and names the line of a mistake. */
function parseDocument(text: string, path: string): unknown {
  const excess = yamlExcess(text)
  if (excess !== undefined) throw badInput(`${path} is no recipe: it ${excess}`)
  if (extname(path).toLowerCase() === '.json') {
    try {
      const value: unknown = JSON.parse(text)
      parseStrictJson(text) // as YAML does, refuses a key that is there twice, of which one would be lost
      return value
    } catch (error) {
      const why = error instanceof JsonFault ? `it ${error.message}` : (error as Error).message
      throw badInput(`${path} is not valid JSON: ${why}`)
    }
  }
  return parseYamlDocument(text, path)
}

/** A message may quote all of the file; the line is named at its end. */
const shortened = (message: string): string =>
  message.length <= 240 ? message : `${message.slice(0, 120)} … ${message.slice(-60)}`

/** What YAML only warns of, an unknown tag or an ambiguous alias, is not what the author meant. */
function parseYamlDocument(text: string, path: string): unknown {
  const complaint = (message: string) =>
    badInput(`${path} is not valid YAML: ${shortened(message.split('\n')[0] ?? '').replace(/:$/, '')}`)
  try {
    const document = parseYaml(text, { logLevel: 'error' })
    const [fault] = [...document.errors, ...document.warnings]
    if (fault === undefined) return document.toJS({ maxAliasCount: 100 })
    throw complaint(fault.message)
  } catch (error) {
    throw error instanceof AppError ? error : complaint((error as Error).message)
  }
}
