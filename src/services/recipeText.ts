import { open, rm } from 'node:fs/promises'
import { extname, isAbsolute, relative, sep } from 'node:path'
import { Document, isCollection, isMap, isScalar, isSeq, type YAMLMap } from 'yaml'
import { writeFileAtomic } from '../engine/formats/files'
import { badInput } from '../shared/errors'
import { positionsLeftOut, QuantizerSpec, type Recipe, type Variant, Variant as VariantSchema } from '../shared/recipe'

/*
 * A recipe as a person would write it: in an order that reads well, without what goes without saying. What is left out has
 * its default, so reading the text gives the same recipe.
 */

const HEADER = [
  ' A recipe for Quail: everything that decides the bytes of a run.',
  ' Run it with `quail run FILE`, or drop the file on the window. `quail schema` explains every key;',
  ' what is left out has its default.'
].join('\n')

export interface RecipeTextOptions {
  /** Where the file will lie: paths below are written as seen from there. */
  readonly directory?: string | undefined
}

/** The recipe as YAML; `readRecipeFile` gives it back, equal. */
export function recipeYaml(recipe: Recipe, options: RecipeTextOptions = {}): string {
  const document = new Document(writtenRecipe(recipe, options))
  document.commentBefore = HEADER
  if (isMap(document.contents)) spread(document.contents)
  const variants = document.get('variants', true)
  for (const variant of isSeq(variants) ? variants.items.filter(isMap) : []) {
    for (const { value } of variant.items) if (isCollection(value)) value.flow = true // one line for what is one thought
  }
  return document.toString({ lineWidth: 0 })
}

/** A blank line before and after everything that takes several lines. */
function spread({ items }: YAMLMap): void {
  items.forEach(({ key, value }, i) => {
    const afterLong = i > 0 && isCollection(items[i - 1]?.value)
    if (isScalar(key)) key.spaceBefore = isCollection(value) || afterLong
  })
}

/** The same as JSON. */
export const recipeJson = (recipe: Recipe, options: RecipeTextOptions = {}): string =>
  `${JSON.stringify(writtenRecipe(recipe, options), null, 2)}\n`

/** The text for a file: JSON where its name ends so, else YAML. */
export const recipeTextFor = (path: string, recipe: Recipe, options: RecipeTextOptions = {}): string =>
  extname(path).toLowerCase() === '.json' ? recipeJson(recipe, options) : recipeYaml(recipe, options)

/**
 * Writes a recipe's text to a file, whole or not at all.
 *
 * @throws {AppError} BAD_INPUT when the file is there and must not be replaced
 */
export async function saveRecipeFile(path: string, text: string, { replace = false } = {}): Promise<void> {
  if (replace) return await writeFileAtomic(path, text)
  await writeWhole(path, text).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw badInput(`${path} is there already; choose another name, or replace it`)
  })
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/** What has no default, and what people want to see even where it is one, in the order of reading. */
function writtenRecipe(recipe: Recipe, { directory }: RecipeTextOptions): Record<string, unknown> {
  const place = (path: string): string => (directory === undefined ? path : shortPath(path, directory))
  const texts = ({ files, set, rows, draw, enough }: Recipe['calibration']) => ({
    ...(files && { files: files.map(place) }),
    ...(set !== undefined && { set }),
    rows,
    ...(draw !== undefined && { draw }),
    ...(enough !== undefined && { enough })
  })
  const { version, name, model, calibration, evaluation, policy, context, variants } = recipe
  return {
    version,
    ...(name !== undefined && { name }),
    model: place(model),
    ...(recipe.base !== undefined && { base: place(recipe.base) }),
    calibration: texts(calibration),
    ...(evaluation && { evaluation: texts(evaluation) }),
    ...(policy !== 'packed' && { policy }),
    context,
    ...positionsLeftOut(recipe),
    ...(recipe.templateDate !== undefined && { templateDate: recipe.templateDate }),
    variants: variants.map(writtenVariant),
    ...(recipe.neverWorse && { neverWorse: true }),
    ...(recipe.factorDtype !== 'float32' && { factorDtype: recipe.factorDtype }),
    ...(recipe.device !== 'cpu' && { device: recipe.device }),
    ...(recipe.onDeviceFailure !== 'stop' && { onDeviceFailure: recipe.onDeviceFailure }),
    ...(recipe.memoryBudget !== 2 ** 31 && { memoryBudget: recipe.memoryBudget }),
    ...(recipe.seed !== 0 && { seed: recipe.seed })
  }
}

function writtenVariant(variant: Variant): Record<string, unknown> {
  const { name, method, rank, alpha, ...rest } = variant
  const { quantizer, ...others } = differing(rest, VariantSchema.parse({ method, rank, alpha }))
  return {
    ...(name !== undefined && { name }),
    method,
    rank,
    alpha,
    ...others,
    ...(quantizer && { quantizer: differing(variant.quantizer, QuantizerSpec.parse({})) })
  }
}

/** The entries of an object that are not as in the other. */
const differing = <T extends object>(value: T, defaults: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(value).filter(([key, item]) => JSON.stringify(item) !== JSON.stringify(defaults[key as keyof T]))
  ) as Partial<T>

/** As seen from the directory when it lies below, else as it is. */
function shortPath(path: string, directory: string): string {
  if (!isAbsolute(path)) return path
  const way = relative(directory, path)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : `./${way.split(sep).join('/')}`
}
