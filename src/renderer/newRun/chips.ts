import { quantizerArguments } from '../../shared/quantizerWords'
import type { QuantizerSpec, Recipe, Variant } from '../../shared/recipe'
import { type Axis, type Chip, chipKey, chipsOn } from '../../shared/variantAxes'
import { formatDuration } from '../format/time'

/** What is offered on each axis, beside what the recipe has. */
const OFFERED: Readonly<Record<Axis, readonly Chip[]>> = {
  method: (['zero', 'svd', 'diag', 'quailora', 'exact'] as const).map((method) => ({ axis: 'method', method })),
  rank: [4, 8, 16, 32, 64].map((rank) => ({ axis: 'rank', rank })),
  scaling: [
    { axis: 'scaling', alpha: 16, rslora: false },
    { axis: 'scaling', alpha: 32, rslora: false },
    { axis: 'scaling', alpha: 16, rslora: true }
  ],
  quantizer: [quantizer('nf4', true), quantizer('nf4', false), quantizer('fp4', true), quantizer('int8', true)]
}

function quantizer(format: QuantizerSpec['format'], doubleQuantization: boolean): Chip {
  return { axis: 'quantizer', quantizer: { format, blockSize: 64, doubleQuantization } }
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
  (['method', 'rank', 'scaling', 'quantizer'] as const).flatMap((axis) => chipsFor(variants, axis))

/** The words on a chip. */
export function chipLabel(chip: Chip): string {
  switch (chip.axis) {
    case 'method':
      return chip.method
    case 'rank':
      return String(chip.rank)
    case 'scaling':
      return chip.rslora ? `α ${chip.alpha}, rsLoRA` : `α ${chip.alpha}`
    case 'quantizer': {
      const { format, blockSize, doubleQuantization } = chip.quantizer
      if (format === 'int8') return 'INT8, a scale a row'
      return `${format.toUpperCase()}, blocks of ${blockSize}${doubleQuantization ? ', double' : ''}`
    }
  }
}

/** Seconds that something adds: `3.2 s`, `<0.1 s`. */
export const formatExtra = (seconds: number): string =>
  Math.abs(seconds) < 0.05 ? '<0.1 s' : formatDuration(1000 * Math.abs(seconds))

const METHODS: Readonly<Record<Variant['method'], string>> = {
  zero: "QLoRA's own start: nothing is repaired; for comparison",
  svd: "Best approximation of the weights' error, blind to your text (LoftQ)",
  diag: 'Weighs input channels by their size on your text (QERA-approx)',
  quailora: "The paper's method: alternating solves against your text's statistics",
  exact: 'The optimum that quailora approaches'
}

const configOf = ({ format, doubleQuantization }: QuantizerSpec): string =>
  quantizerArguments({ quantizer: format, doubleQuantization }).join(', ')

/** What a chip means, for its tooltip. */
export function chipHelp(chip: Chip): string {
  switch (chip.axis) {
    case 'method':
      return METHODS[chip.method]
    case 'rank':
      return `Adapters of rank ${chip.rank}`
    case 'scaling':
      return chip.rslora
        ? `lora_alpha ${chip.alpha}, scaled by alpha / √rank`
        : `lora_alpha ${chip.alpha}, scaled by alpha / rank`
    case 'quantizer':
      return `As a trainer quantizes with ${configOf(chip.quantizer)}`
  }
}
