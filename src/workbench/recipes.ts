import { dirname } from 'node:path'
import { readPreferences } from '../services/preferences'
import { defaultOut } from '../services/preflight'
import { assertRecipeOrNothing, kindOfPath, readRecipeFile } from '../services/recipeFile'
import { recipeTextFor, recipeYaml, saveRecipeFile } from '../services/recipeText'
import { getRun } from '../services/runService'
import { recipePaths } from '../shared/contract/queue'
import type { recipeCalls, StartRecipe } from '../shared/contract/recipes'
import { DEFAULT_METHOD } from '../shared/methods'
import { ALL_POSITIONS, type Recipe, type TextSource, USUAL_ROWS, Variant } from '../shared/recipe'
import { getSet, listSets } from '../store/calibrationSets'
import { listRecipes } from '../store/recipes'
import type { WorkbenchContext } from './context'
import type { HandlersOf } from './handler'
import { sampleFiles } from './sampleFiles'

/** Recipes offered to start from, of the newest runs. */
const LISTED = 100

/** Recipes to begin with, as text, and from files. */
export const recipeHandlers = (context: WorkbenchContext): HandlersOf<typeof recipeCalls> => {
  const { services, grants } = context
  const { store } = services
  return {
    'recipes.start': (input) => startRecipe(context, input),
    async 'recipes.choices'() {
      const [sets, recipes] = await Promise.all([listSets(store), listRecipes(store)])
      const texts = recipes.flatMap(({ recipe }) => recipePaths(recipe)).filter(({ purpose }) => purpose === 'readText')
      const refused = new Set((await grants.refused(texts)).map(({ path }) => path))
      return {
        sets: sets.map(({ name, policy, sampleCount, characterCount }) => ({
          name,
          policy,
          samples: sampleCount,
          characters: characterCount
        })),
        texts: unique([
          ...texts.map(({ path }) => path).filter((path) => !refused.has(path)),
          ...sampleFiles(context.installation).texts
        ]),
        outputs: dirname(defaultOut(services, 'run'))
      }
    },
    async 'recipes.ofRun'({ run }) {
      const { id, record } = await getRun(services, run)
      return { recipe: record.recipe, origin: `The recipe of run ${id}` }
    },
    async 'recipes.read'({ path }) {
      return { recipe: await readRecipeFile(path), origin: `Opened ${path}` }
    },
    'recipes.recognize': ({ path }) => kindOfPath(path),
    async 'recipes.text'({ recipe }) {
      return recipeYaml(recipe)
    },
    async 'recipes.save'({ recipe, path }) {
      await assertRecipeOrNothing(path)
      await saveRecipeFile(path, recipeTextFor(path, recipe, { directory: dirname(path) }), { replace: true })
    },
    async 'recipes.list'() {
      const recipes = await listRecipes(store)
      return recipes.slice(0, LISTED).map(({ sha256, createdAtMs, recipe }) => ({ sha256, createdAtMs, recipe }))
    }
  }
}

const unique = (values: readonly string[]): string[] => [...new Set(values)]

interface Wish {
  readonly model?: string | undefined
  readonly set?: string | undefined
}

/**
 * The recipe that a new form shows: for the sample with its texts; for another model with the texts of its last run, or
 * with the set that was imported last.
 */
async function startRecipe(context: WorkbenchContext, { model, set }: Wish): Promise<StartRecipe> {
  const { store } = context.services
  const { memoryBudget } = await readPreferences(store)
  const sample = sampleFiles(context.installation)
  const [calibration, ...evaluation] = sample.texts
  if (model === undefined && set === undefined) {
    return {
      recipe: withTexts(sample.model, { files: [calibration as string] }, { files: [...evaluation] }, memoryBudget),
      origin: SAMPLE
    }
  }
  const stored = await listRecipes(store)
  const chosen = model ?? stored[0]?.recipe.model ?? sample.model
  const earlier = stored.find(({ recipe }) => recipe.model === chosen)?.recipe
  if (set !== undefined) {
    const { policy } = await getSet(store, set)
    const recipe = { ...withTexts(chosen, { set }, earlier?.evaluation, memoryBudget), policy }
    return { recipe, origin: `Calibrated on ${set}` }
  }
  if (earlier !== undefined) return { recipe: earlier, origin: 'The recipe of the last run of this model' }
  if (chosen === sample.model) return startRecipe(context, {})
  const [newest] = [...(await listSets(store))].sort((a, b) => b.importedAtMs - a.importedAtMs)
  const texts = newest === undefined ? { files: [] } : { set: newest.name }
  const recipe = { ...withTexts(chosen, texts, undefined, memoryBudget), policy: newest?.policy ?? 'packed' }
  return { recipe, origin: 'A new recipe for this model' }
}

const SAMPLE = 'The sample model with its own texts'

function withTexts(
  model: string,
  calibration: Partial<TextSource>,
  evaluation: Partial<TextSource> | undefined,
  memoryBudget: number
): Recipe {
  return {
    version: 1,
    model,
    calibration: { rows: USUAL_ROWS, ...calibration },
    ...(evaluation && { evaluation: { rows: USUAL_ROWS, ...evaluation } }),
    policy: 'packed',
    context: 256,
    ...ALL_POSITIONS,
    variants: [Variant.parse({ method: DEFAULT_METHOD })],
    factorDtype: 'float32',
    device: 'cpu',
    onDeviceFailure: 'stop',
    memoryBudget,
    seed: 0
  }
}
