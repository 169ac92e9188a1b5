import { implementations } from '../../shared/implementations'
import { type FourBitFormat, QUANTIZERS, type QuantizerFormat } from '../../shared/quantizers'
import type { FourBitQuantizer } from './fourBit'
import type { Quantizer } from './quantizer'

/** The arithmetic of every declared format, found by the name of its file. */
const FORMATS = implementations(
  QUANTIZERS,
  import.meta.glob<Quantizer>('./formats/*.ts', { eager: true, import: 'quantizer' }),
  'src/engine/quantizers'
)

/** The quantizer that a recipe's spec names. */
export const quantizerFor = ({ format }: { readonly format: QuantizerFormat }): Quantizer => FORMATS[format]

/** The sixteen values of a 4-bit format's codes, in the order of the codes. */
export function levelsOf(format: FourBitFormat): Float32Array {
  const { levels } = FORMATS[format] as Partial<FourBitQuantizer>
  if (levels?.length === 16) return levels
  throw new Error(`${format} is declared as a 4-bit format of checkpoints, but its file has no sixteen levels`)
}
