import { z } from 'zod'
import { type Policy, Recipe } from '../recipe'
import { call } from './call'
import { Id } from './ids'
import { forPurpose } from './purposes'
import { recipePaths } from './queue'

/** A recipe to begin with: texts may still be missing, which `Recipe` would refuse. */
export interface StartRecipe {
  readonly recipe: Recipe
  /** Where it comes from, as a sentence. */
  readonly origin: string
}

export interface StoredRecipeEntry {
  readonly sha256: string
  readonly createdAtMs: number
  readonly recipe: Recipe
}

/** What the form offers to choose from. */
export interface StartChoices {
  readonly sets: readonly {
    readonly name: string
    readonly policy: Policy
    readonly samples: number
    readonly characters: number
  }[]
  /** Files that earlier recipes and the sample use. */
  readonly texts: readonly string[]
  /** The folder below which runs put their adapters when nobody says otherwise. */
  readonly outputs: string
}

/** What is told apart without being opened for good; `file` is also what is not there. */
export type GivenKind = 'folder' | 'recipe' | 'file'

const Path = z.string().min(1)

export const recipeCalls = {
  /** A recipe that can be started as it is, or nearly: for the sample, or for a model or a set that was chosen. */
  'recipes.start': call<StartRecipe>()(z.strictObject({ model: Path.optional(), set: z.string().min(1).optional() }), {
    paths: ({ model }) => forPurpose('readModel', model === undefined ? [] : [model])
  }),
  'recipes.choices': call<StartChoices>()(z.strictObject({})),
  'recipes.ofRun': call<StartRecipe>()(z.strictObject({ run: Id })),
  /** Reads a recipe file. What it names is not granted by that: the person is asked, `app.allow`. */
  'recipes.read': call<StartRecipe>()(z.strictObject({ path: Path }), {
    paths: ({ path }) => forPurpose('readRecipe', [path])
  }),
  /** What lies at a path that was dropped or given: a JSON file may be meant as a recipe or as data. */
  'recipes.recognize': call<GivenKind>()(z.strictObject({ path: Path }), {
    paths: ({ path }) => forPurpose('recognize', [path])
  }),
  /** The recipe as YAML, as it would be saved. */
  'recipes.text': call<string>()(z.strictObject({ recipe: Recipe }), { paths: ({ recipe }) => recipePaths(recipe) }),
  /** Writes a recipe to a file that the person chose; what lies there is replaced only if it is a recipe. */
  'recipes.save': call<void>()(z.strictObject({ recipe: Recipe, path: Path }), {
    paths: ({ recipe, path }) => [...recipePaths(recipe), ...forPurpose('writeRecipe', [path])]
  }),
  /** Recipes of earlier runs, the newest first. */
  'recipes.list': call<StoredRecipeEntry[]>()(z.strictObject({}))
} as const
