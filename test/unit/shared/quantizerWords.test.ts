import { describe, expect, it, test } from 'vitest'
import { OPTION_WORDS, QUANTIZERS, quantizerFacts } from '../../../src/shared/quantizers'
import {
  baseCommand,
  isQuantizedByTrainers,
  optionPairs,
  quantizerChoice,
  quantizerKey,
  quantizerLabel,
  quantizerWords,
  scaleOptions,
  trainerWords
} from '../../../src/shared/quantizerWords'
import { QuantizerSpec } from '../../../src/shared/recipe'

const spec = (given: object) => QuantizerSpec.parse(given)

test('a base in words', () => {
  const words = (given: object) => {
    const base = spec(given)
    return [quantizerKey(base), quantizerWords(base), quantizerChoice(base)]
  }
  expect(words({})).toEqual(['nf4-b64-dq', 'nf4, block size 64, double quantization on', 'NF4, blocks of 64, double'])
  expect(words({ format: 'fp4', blockSize: 128, doubleQuantization: false })).toEqual([
    'fp4-b128',
    'fp4, block size 128, double quantization off',
    'FP4, blocks of 128'
  ])
  expect(words({ format: 'int8' })).toEqual(['int8', 'int8, one scale for each row', 'INT8, one scale for each row'])
})

test('a base that trainers quantize otherwise is written by a command first', () => {
  const odd = spec({ format: 'fp4', blockSize: 128, doubleQuantization: false })
  const known = [{}, { doubleQuantization: false }, { format: 'int8' }].map((given) =>
    isQuantizedByTrainers(spec(given))
  )
  expect([...known, isQuantizedByTrainers(odd)]).toEqual([true, true, true, false])
  expect(baseCommand(odd, 'MODEL', 'float16')).toBe(
    'quail export-base --model MODEL --quantizer fp4 --block-size 128 --no-double-quant --dtype float16 --out BASE'
  )
})

describe.each(QUANTIZERS)('%s', (format) => {
  const { options, label, alsoOffered = [] } = quantizerFacts(format)

  it('has the options that it declares, and refuses the others by name', () => {
    for (const [option, value] of [
      ['blockSize', 128],
      ['doubleQuantization', false]
    ] as const) {
      const parsed = QuantizerSpec.safeParse({ format, [option]: value })
      expect(parsed.success).toBe(options.includes(option))
      if (!parsed.success) expect(parsed.error.issues[0]?.message).toContain(`leave out ${OPTION_WORDS[option]}`)
    }
    expect(Object.keys(scaleOptions(spec({ format })))).toEqual([...options])
    expect(optionPairs(spec({ format }))).toHaveLength(options.length)
  })

  it('has a key of its own for every base that is offered, and a name that tells it from the others', () => {
    const offered = [{}, ...alsoOffered].map((options) => quantizerKey(spec({ format, ...options })))
    const all = QUANTIZERS.map((other) => quantizerKey(spec({ format: other })))
    expect(new Set(offered).size).toBe(offered.length)
    expect(quantizerLabel(offered[0] as string, all)).toBe(label)
    expect(new Set(all.map((key) => quantizerLabel(key, all))).size).toBe(QUANTIZERS.length)
  })

  it('tells trainers the same of the base whatever its other options are, or says that none can', () => {
    const words = trainerWords(spec({ format }))
    expect(words === undefined).toBe(quantizerFacts(format).trainer === undefined)
    if (words === undefined) return
    expect(words.config.length).toBeGreaterThan(0)
    expect(words.wholeConfig.slice(0, words.config.length)).toEqual(words.config)
    for (const lines of [words.axolotl, words.llamaFactory, words.unsloth]) expect(lines.length).toBeGreaterThan(0)
  })
})
