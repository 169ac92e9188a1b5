import { groupBy } from './groupBy'
import { quantizerLabel } from './quantizerWords'
import { BUDGET_SUFFIX } from './rankBudget'
import { REFINED_SUFFIX } from './refinement'

/*
 * Names that tell variants apart by what differs between them: `svd-r8 · NF4` beside `svd-r8 · INT8` where the recipe's
 * own names are `svd-r8-a16-nf4-b64-dq` and `svd-r8-a16-int8`. A name that somebody gave stays as it is.
 */

/** A variant as it is listed. */
export interface NamedVariant {
  readonly name: string
  readonly method: string
  readonly rank: number
  readonly quantizer: string
}

/** What stands between the parts of a label; lines are broken there first. */
export const LABEL_BREAK = ' · '

/** The parts of a name that the recipe made: `variantNames` writes them in this order. */
interface NameParts {
  /** `svd-r8`, or the whole of a given name. */
  readonly name: string
  /** `a16`, `a16-rslora`; empty where the short name was unique. */
  readonly scaling: string
  readonly quantizer: string
  /** `2` of variants that are the same in all this. */
  readonly count: string
}

function partsOf({ name, method, rank, quantizer }: NamedVariant): NameParts | undefined {
  const own = `${method}-r${rank}`
  const decided = new RegExp(
    `^${escaped(own)}(?:${BUDGET_SUFFIX}(?:-\\d+-\\d+)?)?(?:${REFINED_SUFFIX}(?:-\\d+x\\d+(?:-\\d[\\d.e+-]*?)?)?)?(?=-a|$)`
  )
  const short = decided.exec(name)?.[0] ?? own
  if (name === short) return { name, scaling: '', quantizer, count: '' }
  const [, scaling = '', count = ''] =
    new RegExp(`^${escaped(short)}-(a[\\d.e+-]+?(?:-rslora)?)-${escaped(quantizer)}(?:-(\\d+))?$`).exec(name) ?? []
  return scaling === '' ? undefined : { name: short, scaling, quantizer, count }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * A label for each variant, in their order; two of one owner have the same one only where they have the same name.
 *
 * @param owners - whose each variant is, such as its run; without it all are of one
 */
export function variantLabels(variants: readonly NamedVariant[], owners?: readonly string[]): string[] {
  const parts = variants.map(partsOf)
  const quantizers = [...new Set(variants.map(({ quantizer }) => quantizer))]
  const formats = new Map(quantizers.map((key) => [key, quantizerLabel(key, quantizers)]))
  const scalings = groupBy(
    parts.filter((part) => part !== undefined),
    (part) => `${part.name} ${part.quantizer}`
  )
  const labels = variants.map(({ name }, i) => {
    const own = parts[i]
    if (own === undefined) return name
    const alike = scalings.get(`${own.name} ${own.quantizer}`) ?? []
    const differ = own.scaling !== '' && alike.some(({ scaling }) => scaling !== '' && scaling !== own.scaling)
    return [
      own.name,
      quantizers.length > 1 ? formats.get(own.quantizer) : '',
      differ ? own.scaling.replace('-rslora', ', rsLoRA').replace(/^a/, 'α ') : '',
      own.count
    ]
      .filter(Boolean)
      .join(LABEL_BREAK)
  })
  const named = labels.map((label, i) => ({ label, name: variants[i]?.name as string, owner: owners?.[i] }))
  const alike = groupBy(named, ({ label, owner }) => JSON.stringify([label, owner]))
  const unclear = new Set([...alike.values()].filter((own) => own.some(({ name }) => name !== own[0]?.name)).flat())
  return named.map((one) => (unclear.has(one) ? one.name : one.label))
}
