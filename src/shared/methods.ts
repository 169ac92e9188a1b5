import { z } from 'zod'

/*
 * What is known of a method, declared once: form, charts, report, plan, command line and model card follow from here. Its
 * algorithm is src/engine/methods/bases/<name>.ts; that and an entry here are all that a method needs.
 */

/** What the squared error of an input channel counts: all alike, by its energy, or with its correlations (K = I, diag H, H). */
export type Weighting = 'none' | 'diagonal' | 'full'

/** Numbers of a variant that only some methods read, with what a form and `--help` say of them. */
export const METHOD_OPTIONS = {
  iterations: { title: 'Iterations', counts: 'alternations', min: 0, max: 1000, default: 20 }
} as const satisfies Record<string, MethodOption>

interface MethodOption {
  readonly title: string
  /** What the number counts: `20 alternations`. */
  readonly counts: string
  readonly min: number
  readonly max: number
  readonly default: number
}

export type MethodOptionName = keyof typeof METHOD_OPTIONS
/** The options that the recipe gives a method, read or not. */
export type MethodOptionValues = Readonly<Record<MethodOptionName, number>>

export interface MethodFacts {
  /** What it does, in a line: tooltip of the form. */
  readonly help: string
  /** The eigenvalue problems E K Eᵀ whose leading vectors it asks for; that of `full` is always solved, as certificate. */
  readonly eigenproblems: readonly Weighting[]
  /** True where their vectors only start an iteration, so that the search for them ends early. */
  readonly roughly?: true
  /** Products of E H Eᵀ with `rank` columns, each made orthonormal again, that it makes beside them. */
  readonly products?: (options: MethodOptionValues) => number
  /** The options that it reads. */
  readonly options?: readonly MethodOptionName[]
  /** True where it asks what the model's predictions make of errors: a pass backwards over the model comes before. */
  readonly curvature?: true
  /** True when outputs stay as the quantized model has them, so that nothing needs to be evaluated again. */
  readonly neutral?: true
}

/** Every method, from simple to good: the order in which they are offered, and take the colours of charts. */
const FACTS = {
  zero: {
    help: "QLoRA's own start: nothing is repaired; for comparison",
    eigenproblems: [],
    neutral: true
  },
  svd: {
    help: "Best approximation of the weights' error, blind to your text (LoftQ)",
    eigenproblems: ['none']
  },
  diag: {
    help: 'Weighs input channels by their size on your text (QERA-approx)',
    eigenproblems: ['diagonal']
  },
  quailora: {
    help: "The paper's method: alternating solves against your text's statistics",
    eigenproblems: ['none'],
    roughly: true,
    products: ({ iterations }) => iterations,
    options: ['iterations']
  },
  exact: {
    help: 'The optimum that quailora approaches',
    eigenproblems: ['full']
  },
  kfac: {
    help: "Weighs outputs by what the model's predictions make of them, beyond single layers",
    eigenproblems: ['full'],
    curvature: true
  }
} as const satisfies Record<string, MethodFacts>

/** What is taken where nobody chooses. */
export const DEFAULT_METHOD = 'quailora' satisfies keyof typeof FACTS
/** The same for what is refined: of all starts it has the least divergence when the steps are done (docs/numerics.md). */
export const REFINED_METHOD = 'kfac' satisfies keyof typeof FACTS

export const METHODS = Object.keys(FACTS) as (keyof typeof FACTS)[]
export const MethodName = z.enum(METHODS)
export type MethodName = z.infer<typeof MethodName>

export const methodFacts = (name: MethodName): MethodFacts => FACTS[name]

/** False for a name of another version. */
export const isMethod = (name: string): name is MethodName => Object.hasOwn(FACTS, name)

export const readsOption = (name: MethodName, option: MethodOptionName): boolean =>
  methodFacts(name).options?.includes(option) ?? false

/** The methods that read an option. */
export const readersOf = (option: MethodOptionName): MethodName[] => METHODS.filter((name) => readsOption(name, option))

/** `alternations of quailora`: what an option is, and of which methods. */
export const optionText = (option: MethodOptionName): string =>
  `${METHOD_OPTIONS[option].counts} of ${readersOf(option).join(', ')}`

/** `20 alternations`: the options that a variant's method reads, with their values. */
export const optionValues = (variant: MethodOptionValues & { readonly method: MethodName }): string[] =>
  (methodFacts(variant.method).options ?? []).map((option) => `${variant[option]} ${METHOD_OPTIONS[option].counts}`)

type Schemas = { readonly [K in MethodOptionName]: z.ZodDefault<z.ZodInt> }

/** The options as the recipe has them. */
export const methodOptionSchemas = Object.fromEntries(
  Object.entries(METHOD_OPTIONS).map(([name, { min, max, default: value }]) => [
    name,
    z
      .int()
      .min(min)
      .max(max)
      .default(value)
      .describe(optionText(name as MethodOptionName))
  ])
) as unknown as Schemas
