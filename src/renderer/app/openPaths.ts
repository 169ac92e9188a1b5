import { call } from '../api/desktop'
import { baseName } from '../format/paths'

type Navigate = (to: string) => void

const RECIPE = /\.(ya?ml|quail)$/i
const BUNDLE = /\.quailrun$/i
const JSON_FILE = /\.json$/i
const TEXT = /\.(txt|jsonl|ndjson|csv|tsv|parquet)$/i

/** Goes to the page that a dropped or opened file belongs to: recipes, run bundles, texts; a folder is a checkpoint. */
export function openPaths(paths: readonly string[], navigate: Navigate): void {
  const [path] = paths
  if (path === undefined) return
  const at = (page: string): void => navigate(`${page}${encodeURIComponent(path)}`)
  const name = baseName(path)
  if (RECIPE.test(name)) at('/new?recipeFile=')
  else if (BUNDLE.test(name)) at('/?bundle=')
  else if (JSON_FILE.test(name)) {
    // Recipes and data both come as JSON: what is inside tells them apart.
    void call('recipes.recognize', { path }).then(
      (recipe) => at(recipe ? '/new?recipeFile=' : '/data?import='),
      () => at('/data?import=')
    )
  } else if (TEXT.test(name)) at('/data?import=')
  else at('/models?add=')
}
