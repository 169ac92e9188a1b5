import { expect, it } from 'vitest'
import { pythonFloat, pythonJson, pythonJsonFile } from '../../../../src/engine/formats/pythonJson'
import { parsePythonJson, parseStrictJson } from '../../../../src/engine/formats/strictJson'

/*
 * The expected texts were printed by json.dumps of Python 3.11.
 */

const FLOATS = [
  '0.0',
  '-0.0',
  '1.0',
  '0.5',
  '0.0001',
  '9.999e-05',
  '1e-05',
  '1.5e-07',
  '1e+16',
  '1000000000000000.0',
  '1.2345678901234568e+17',
  '1e+22',
  '-2.5e-10',
  '3.4028234663852886e+38',
  '1e-45',
  '134.36424255371094',
  '7.63774642109638e-06',
  '9.385958676944028e-11',
  '0.0008933170465752482',
  '9.452707308810204e-05'
]

it('shows floats as Python does', () => {
  expect(FLOATS.map((text) => pythonFloat(Number(text)).text)).toEqual(FLOATS)
})

const value = parseStrictJson(
  '{"a": [1, 2.0, 1e-06, {}], "é\\u007f\\u2028": "tab\\t\\"quote\\" 🐦", "e": [], "b": null, "c": true}'
)

it('writes one line with spaces after comma and colon, and numbers as they were', () => {
  expect(pythonJson(value)).toBe(
    String.raw`{"a": [1, 2.0, 1e-06, {}], "\u00e9\u007f\u2028": "tab\t\"quote\" \ud83d\udc26", "e": [], "b": null, "c": true}`
  )
})

it('writes files with sorted keys, an indent of two and a line feed', () => {
  expect(pythonJsonFile(value)).toBe(String.raw`{
  "a": [
    1,
    2.0,
    1e-06,
    {}
  ],
  "b": null,
  "c": true,
  "e": [],
  "\u00e9\u007f\u2028": "tab\t\"quote\" \ud83d\udc26"
}
`)
})

it('writes numbers that are not finite as transformers 5 does', () => {
  const infinite = parsePythonJson('{"time_step_limit": [0.0, Infinity]}', { lenient: false })
  expect(pythonJson(infinite)).toBe('{"time_step_limit": [0.0, Infinity]}')
  expect(pythonJsonFile(infinite)).toBe(`{
  "time_step_limit": [
    0.0,
    {
      "__float__": "Infinity"
    }
  ]
}
`)
  expect(() => parseStrictJson('[Infinity]')).toThrow('has "I" where a value was expected')
})
