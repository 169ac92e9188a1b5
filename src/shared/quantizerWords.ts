import type { QuantizerSpec } from './recipe'

/** A base as an adapter's proof names it; block size and double quantization are of the 4-bit formats. */
export interface QuantizedBase {
  readonly quantizer: QuantizerSpec['format']
  readonly blockSize?: number | undefined
  readonly doubleQuantization?: boolean | undefined
}

/** `nf4, block size 64, double quantization on`; `int8, one scale for each row`. */
export const quantizerWords = ({ quantizer, blockSize, doubleQuantization }: QuantizedBase): string =>
  quantizer === 'int8'
    ? 'int8, one scale for each row'
    : `${quantizer}, block size ${blockSize}, double quantization ${doubleQuantization ? 'on' : 'off'}`

/** What transformers must be told of the format: arguments of `BitsAndBytesConfig`. */
export const quantizerArguments = ({ quantizer, doubleQuantization }: QuantizedBase): string[] =>
  quantizer === 'int8'
    ? ['load_in_8bit=True']
    : [
        'load_in_4bit=True',
        `bnb_4bit_quant_type="${quantizer}"`,
        `bnb_4bit_use_double_quant=${doubleQuantization ? 'True' : 'False'}`
      ]
