import { baseName } from '../format/paths'

type Navigate = (to: string) => void

const RECIPE = /\.(ya?ml|quail)$/i
const BUNDLE = /\.quailrun$/i
const TEXT = /\.(txt|jsonl|ndjson|json|csv|tsv|parquet)$/i

/** Goes to the page that a dropped or opened file belongs to: recipes, run bundles, texts; a folder is a checkpoint. */
export function openPaths(paths: readonly string[], navigate: Navigate): void {
  const [path] = paths
  if (path === undefined) return
  const at = (page: string): void => navigate(`${page}${encodeURIComponent(path)}`)
  const name = baseName(path)
  if (RECIPE.test(name) || /recipe.*\.json$/i.test(name)) at('/new?recipeFile=')
  else if (BUNDLE.test(name)) at('/?bundle=')
  else if (TEXT.test(name)) at('/data?import=')
  else at('/models?add=')
}
