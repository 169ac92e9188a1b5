import type { QuantizerSpec } from '../../shared/recipe'
import { fp4 } from './fp4'
import { int8 } from './int8'
import { nf4 } from './nf4'
import type { Quantizer } from './quantizer'

/** Every number format; a new one is a file beside nf4.ts, a line here, and its name in shared/recipe.ts. */
const quantizers: Readonly<Record<QuantizerSpec['format'], Quantizer>> = {
  nf4,
  fp4,
  int8
}

/** The quantizer that a recipe's spec names. */
export const quantizerFor = (spec: Pick<QuantizerSpec, 'format'>): Quantizer => quantizers[spec.format]
