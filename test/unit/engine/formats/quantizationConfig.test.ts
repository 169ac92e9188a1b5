import { describe, expect, it } from 'vitest'
import { quantizedAlready } from '../../../../src/engine/formats/checkpointFiles'
import { readQuantizationConfig } from '../../../../src/engine/formats/quantizationConfig'

const read = (quantization_config: unknown) => readQuantizationConfig({ quantization_config }, 'config.json')

describe('the quantizer of a pre-quantized checkpoint', () => {
  it.each([
    [{ quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf4' }, 'nf4', false],
    // Written before transformers 4.33; what it makes of these is in test/conformance/test_base.py.
    [{ load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true }, 'nf4', true],
    [{ load_in_4bit: true, load_in_8bit: false }, 'fp4', false],
    [{ quant_method: 'another', load_in_4bit: true }, 'fp4', false]
  ])('is read: %j', (config, format, doubleQuantization) => {
    expect(read(config)).toEqual({ format, doubleQuantization })
  })

  it.each([
    [{ quant_method: 'gptq', bits: 4 }, 'quant_method is "gptq"; "bitsandbytes" can be read'],
    [{ bits: 4 }, 'quant_method is missing; "bitsandbytes" can be read'],
    [{ load_in_8bit: true }, 'load_in_4bit is missing; true can be read: 4-bit weights of bitsandbytes'],
    [{ load_in_8bit: true, load_in_4bit: true }, 'load_in_8bit is true; false can be read']
  ])('is refused: %j', (config, message) => {
    expect(() => read(config)).toThrow(`config.json: quantization_config.${message}`)
  })

  it('is none where the key is missing or null', () => {
    expect([readQuantizationConfig({}, ''), read(null)]).toEqual([undefined, undefined])
  })

  it('is named where full precision is needed', () => {
    const said = (quantization_config: unknown) => quantizedAlready('model', { quantization_config }).message
    expect(said({ load_in_8bit: true })).toContain('(quant_method "bitsandbytes")')
    expect(said({ quant_method: 'awq' })).toContain('(quant_method "awq")')
  })

  it('is a base only where that can be read', () => {
    const said = (quantization_config: unknown) => quantizedAlready('model', { quantization_config }).message
    expect(said({ load_in_4bit: true })).toMatch(/that they were made from, and can take these as its base$/)
    for (const other of [{ load_in_8bit: true }, { quant_method: 'fp8' }, 'fp8']) {
      expect(said(other)).toMatch(/that they were made from$/)
    }
  })
})
