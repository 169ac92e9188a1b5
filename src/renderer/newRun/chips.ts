import { durationText } from '../../shared/durationText'
import { METHODS, methodFacts } from '../../shared/methods'
import { QUANTIZERS, quantizerFacts } from '../../shared/quantizers'
import { NO_TRAINER, quantizerChoice, trainerWords } from '../../shared/quantizerWords'
import type { RankBudget } from '../../shared/rankBudget'
import { QuantizerSpec, type Recipe, type Variant } from '../../shared/recipe'
import { Refinement } from '../../shared/refinement'
import { rateText } from '../../shared/refinementWords'
import { type Axis, type Chip, chipKey, chipsOn } from '../../shared/variantAxes'
import { plural } from '../format/numbers'

/** What is offered on each axis, beside what the recipe has. */
const OFFERED: Readonly<Record<Axis, readonly Chip[]>> = {
  method: METHODS.map((method) => ({ axis: 'method', method })),
  rank: [4, 8, 16, 32, 64].map((rank) => ({ axis: 'rank', rank })),
  scaling: [
    { axis: 'scaling', alpha: 16, rslora: false },
    { axis: 'scaling', alpha: 32, rslora: false },
    { axis: 'scaling', alpha: 16, rslora: true }
  ],
  quantizer: QUANTIZERS.flatMap((format) =>
    [{}, ...(quantizerFacts(format).alsoOffered ?? [])].map((options): Chip => {
      return { axis: 'quantizer', quantizer: QuantizerSpec.parse({ format, ...options }) }
    })
  ),
  ranks: [
    { axis: 'ranks', rankBudget: null },
    { axis: 'ranks', rankBudget: {} }
  ],
  refinement: [
    { axis: 'refinement', refine: null },
    { axis: 'refinement', refine: Refinement.parse({}) }
  ]
}

/** The chips of an axis: those offered and those in use, in their natural order. */
export function chipsFor(variants: readonly Variant[], axis: Axis): Chip[] {
  const chips = new Map([...OFFERED[axis], ...chipsOn(variants, axis)].map((chip) => [chipKey(chip), chip]))
  const list = [...chips.values()]
  return axis === 'rank' ? list.sort((a, b) => rankOf(a) - rankOf(b)) : list
}

const rankOf = (chip: Chip): number => (chip.axis === 'rank' ? chip.rank : 0)

/** Every chip that the form shows. */
export const shownChips = ({ variants }: Recipe): Chip[] =>
  (['method', 'rank', 'scaling', 'quantizer', 'ranks', 'refinement'] as const).flatMap((axis) =>
    chipsFor(variants, axis)
  )

/** The words on a chip. */
export function chipLabel(chip: Chip): string {
  switch (chip.axis) {
    case 'method':
      return chip.method
    case 'rank':
      return String(chip.rank)
    case 'scaling':
      return chip.rslora ? `α ${chip.alpha}, rsLoRA` : `α ${chip.alpha}`
    case 'quantizer':
      return quantizerChoice(chip.quantizer)
    case 'ranks':
      return rankBudgetLabel(chip.rankBudget)
    case 'refinement':
      return refinementLabel(chip.refine)
  }
}

/** `Where they pay`, and the bounds where they are given. */
function rankBudgetLabel(budget: RankBudget | null): string {
  if (budget === null) return 'Same everywhere'
  const bounds = [
    budget.floor === undefined ? '' : `at least ${budget.floor}`,
    budget.cap === undefined ? '' : `at most ${budget.cap}`
  ].filter(Boolean)
  return ['Where they pay', ...bounds].join(', ')
}

/** `Refined`, and what differs from the usual refinement. */
function refinementLabel(refine: Refinement | null): string {
  if (refine === null) return 'As found'
  const usual = Refinement.parse({})
  const parts = [
    refine.steps !== usual.steps ? plural(refine.steps, 'step') : '',
    refine.batch !== usual.batch ? `${plural(refine.batch, 'row')} each` : '',
    refine.learningRate !== undefined ? `learning rate ${refine.learningRate}` : ''
  ].filter(Boolean)
  return ['Refined', ...parts].join(', ')
}

function refinementHelp(refine: Refinement | null): string {
  if (refine === null) return 'Factors stay as the method finds them, each layer for itself'
  const steps = `${plural(refine.steps, 'step')} of ${plural(refine.batch, 'row')}`
  return `Then ${steps} against the whole model, the learning rate ${rateHelp(refine)}; held-out rows decide what is kept, so that it is never worse on these`
}

const rateHelp = ({ learningRate }: Refinement): string =>
  learningRate === undefined ? 'found by the first gradient' : `${rateText(learningRate)} of an entry's size`

/** Seconds that something adds: `3.2 s`, `<0.1 s`. */
export const formatExtra = (seconds: number): string =>
  Math.abs(seconds) < 0.05 ? '<0.1 s' : durationText(1000 * Math.abs(seconds))

function trainingHelp(quantizer: QuantizerSpec): string {
  const words = trainerWords(quantizer)
  return words === undefined
    ? `${quantizerFacts(quantizer.format).label}: ${NO_TRAINER}`
    : `As a trainer quantizes with ${words.config.join(', ')}`
}

/** What a chip means, for its tooltip. */
export function chipHelp(chip: Chip): string {
  switch (chip.axis) {
    case 'method':
      return methodFacts(chip.method).help
    case 'rank':
      return `Adapters of rank ${chip.rank}`
    case 'scaling':
      return chip.rslora
        ? `lora_alpha ${chip.alpha}, scaled by alpha / √rank`
        : `lora_alpha ${chip.alpha}, scaled by alpha / rank`
    case 'quantizer':
      return trainingHelp(chip.quantizer)
    case 'ranks':
      return chip.rankBudget === null
        ? 'Every layer has the rank above'
        : 'As many parameters, given to the layers whose errors the whole model feels most; held-out rows decide whether that is kept'
    case 'refinement':
      return refinementHelp(chip.refine)
  }
}
