import { recipeSchema } from '../../src/services/recipeProblems'
import { Recipe } from '../../src/shared/recipe'

/*
 * Recipes in which every field is given and differs from its default, so that whatever loses one of them is seen.
 * `fieldsMissing` says which fields of the schema a list of recipes lacks: a new field is asked for by itself.
 */

const variants = [
  {
    name: 'mine',
    method: 'quailora',
    rank: 8,
    alpha: 12,
    rslora: true,
    iterations: 5,
    targets: ['q_proj', 'v_proj'],
    quantizer: { format: 'fp4', blockSize: 128, doubleQuantization: false },
    rankBudget: { floor: 2, cap: 24 },
    refine: { steps: 24, batch: 2, learningRate: 0.03 }
  },
  { method: 'exact', rank: 4, targets: { regex: '.*\\.\\d{1,2}\\..*_proj' }, rankBudget: {}, refine: {} },
  { method: 'exact', rank: 4 }
]

/** A recipe of files, and one of stored sets. */
export const EVERY_FIELD: readonly Recipe[] = [
  Recipe.parse({
    version: 1,
    name: 'every field',
    model: '/models/small',
    base: '/models/small-nf4',
    calibration: { files: ['/texts/law.txt', '/texts/chat.txt'], rows: 96, draw: 2, enough: 0.02 },
    evaluation: { files: ['/texts/test.txt'], rows: 9, draw: 3 },
    policy: 'padded',
    context: 128,
    lossOn: 'responses',
    calibrateOn: 'prompts',
    firstToken: 'exclude',
    templateDate: '2026-11-27',
    variants,
    neverWorse: true,
    factorDtype: 'bfloat16',
    device: 'webgpu',
    onDeviceFailure: 'cpu',
    memoryBudget: 123_456_789,
    seed: 42
  }),
  Recipe.parse({
    version: 1,
    model: '/models/small',
    calibration: { set: 'law', rows: 7, draw: 1, enough: 0.5 },
    evaluation: { set: 'chat', rows: 5, draw: 1 },
    variants
  })
]

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly default?: unknown
}

/** Every field that a schema describes, as `variants.refine.steps`, with its default. */
function fieldsOf(node: Node, path = ''): { path: string; default: unknown }[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const at = path === '' ? key : `${path}.${key}`
    return [{ path: at, default: child.default }, ...fieldsOf(child, at)]
  })
  const inner = [...(node.anyOf ?? []), ...(node.items ? [node.items] : [])]
  return [...own, ...inner.flatMap((child) => fieldsOf(child, path))]
}

/** What stands at a path: every value of it where lists are on the way. */
function valuesAt(value: unknown, [key, ...rest]: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, key === undefined ? [] : [key, ...rest]))
  if (key === undefined) return [value]
  if (typeof value !== 'object' || value === null || !(key in value)) return []
  return valuesAt((value as Record<string, unknown>)[key], rest)
}

/** Fields of a recipe that none of the recipes gives a value other than its default. */
export const fieldsMissing = (recipes: readonly Recipe[]): string[] =>
  fieldsOf(recipeSchema() as Node)
    .filter((field) => {
      const values = recipes.flatMap((recipe) => valuesAt(recipe, field.path.split('.')))
      return values.every((value) => JSON.stringify(value) === JSON.stringify(field.default))
    })
    .map(({ path }) => path)
