import { createHash } from 'node:crypto'
import { Recipe } from '../shared/recipe'
import type { Store } from './schema'

export interface StoredRecipe {
  readonly sha256: string
  readonly recipe: Recipe
  readonly createdAtMs: number
}

/** JSON with the keys of every object in the order of their code units and no white space: equal values, equal bytes. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sortKeys)

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  // By code units, not by locale; localeCompare would order keys by the user's language.
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A recipe as stored; what an older version did not ask for has its default. */
export const parseStoredRecipe = (json: string): Recipe => Recipe.parse(JSON.parse(json))

/** SHA-256 of the canonical JSON, hexadecimal. */
export const recipeHash = (recipe: Recipe): string => createHash('sha256').update(canonicalJson(recipe)).digest('hex')

/** Keeps a recipe, once however often it is given; returns the id of its row. */
export async function saveRecipe(store: Store, recipe: Recipe, createdAtMs: number = Date.now()): Promise<number> {
  const { id } = await store
    .insertInto('recipes')
    .values({
      sha256: recipeHash(recipe),
      name: recipe.name ?? null,
      recipe_json: canonicalJson(recipe),
      created_at_ms: createdAtMs
    })
    // Setting a value to itself makes `returning` answer for the row that was there.
    .onConflict((conflict) => conflict.column('sha256').doUpdateSet(({ ref }) => ({ sha256: ref('recipes.sha256') })))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** Every recipe, the newest first. */
export async function listRecipes(store: Store): Promise<StoredRecipe[]> {
  const rows = await store
    .selectFrom('recipes')
    .select(['sha256', 'recipe_json', 'created_at_ms'])
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.map((row) => ({
    sha256: row.sha256,
    recipe: parseStoredRecipe(row.recipe_json),
    createdAtMs: row.created_at_ms
  }))
}
