import type { PickKind } from '../../shared/contract/app'
import { call } from '../api/desktop'
import { notifyError } from '../components/notify'
import { baseName } from '../format/paths'

type Navigate = (to: string) => void
type Kind = 'recipe' | 'bundle' | 'text' | 'folder'

const RECIPE = /\.(ya?ml|quail)$/i
const BUNDLE = /\.quailrun$/i
/** Files of a checkpoint: Models says that their folder is needed. */
const OF_CHECKPOINT = /(\.(safetensors|gguf|bin|pt|pth|ckpt)|\.safetensors\.index\.json|^(config|tokenizer)\.json)$/i

/** The page that takes files of a kind, and whether it takes several at once. */
const PAGES: Readonly<Record<Kind, { readonly page: string; readonly key: string; readonly several: boolean }>> = {
  recipe: { page: '/new', key: 'recipeFile', several: false },
  bundle: { page: '/', key: 'bundle', several: false },
  text: { page: '/data', key: 'import', several: true },
  folder: { page: '/models', key: 'add', several: true }
}

/**
 * Goes to the page that dropped or opened files belong to: recipes, run bundles, texts; a folder is a checkpoint. One page
 * takes what is of one kind; what is left is named.
 */
export async function openPaths(paths: readonly string[], navigate: Navigate): Promise<void> {
  const kinds = await Promise.all(paths.map(kindOf))
  const [kind] = kinds
  if (kind === undefined) return
  const { page, key, several } = PAGES[kind]
  const same = paths.filter((_, i) => kinds[i] === kind)
  const taken = several ? same : same.slice(0, 1)
  navigate(`${page}?${new URLSearchParams(taken.map((path) => [key, path])).toString()}`)
  const left = paths.filter((path) => !taken.includes(path))
  if (left.length > 0)
    notifyError('Not everything was opened', new Error(`${left.map(baseName).join(', ')}: ${WHY[kind]}`))
}

/** Asks for files or a folder, and goes to their page. */
export async function pickAndOpen(kind: PickKind, navigate: Navigate): Promise<void> {
  try {
    await openPaths(await call('app.pick', { kind, multiple: kind === 'texts' }), navigate)
  } catch (error) {
    notifyError('It could not be opened', error)
  }
}

const WHY: Readonly<Record<Kind, string>> = {
  recipe: 'one recipe is opened at a time.',
  bundle: 'one run bundle is imported at a time.',
  text: 'texts are imported; drop what is no text by itself.',
  folder: 'folders are added to the models; drop files by themselves.'
}

async function kindOf(path: string): Promise<Kind> {
  const name = baseName(path)
  if (RECIPE.test(name)) return 'recipe'
  if (BUNDLE.test(name)) return 'bundle'
  if (OF_CHECKPOINT.test(name)) return 'folder'
  // Recipes and data both come as JSON: what is inside tells them apart. Any other file goes to the import, which reads it
  // or says what it is instead.
  const found = await call('recipes.recognize', { path }).catch(() => 'file' as const)
  return found === 'file' ? 'text' : found
}
