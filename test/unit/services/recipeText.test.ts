import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRecipeText, readRecipeFile } from '../../../src/services/recipeFile'
import { recipeJson, recipeTextFor, recipeYaml, saveRecipeFile } from '../../../src/services/recipeText'
import { Recipe } from '../../../src/shared/recipe'
import { EVERY_FIELD, fieldsMissing } from '../../helpers/everyField'
import { temporaryHome } from '../../helpers/stores'

const plain = Recipe.parse({
  version: 1,
  model: '/models/small',
  calibration: { files: ['/texts/law.txt'] },
  variants: [{ method: 'quailora' }]
})

/** Nothing has its default, and texts need quotes. */
const rich = Recipe.parse({
  version: 1,
  name: 'no: "defaults" # at all',
  model: '/models/my model: 1',
  base: '/models/my model: 1, in 4 bits',
  calibration: { set: 'yes', rows: 7, draw: 2, enough: 0.02 },
  evaluation: { files: ['/texts/a #1.txt', '/texts/- b.txt', '/texts/ä.txt'], rows: 9 },
  policy: 'padded',
  context: 128,
  lossOn: 'responses',
  calibrateOn: 'prompts',
  firstToken: 'exclude',
  variants: [
    {
      name: '1e3',
      method: 'exact',
      rank: 8,
      alpha: 0.1,
      rslora: true,
      iterations: 3,
      targets: ['q_proj', 'null', '12'],
      quantizer: { format: 'nf4', blockSize: 128, doubleQuantization: false }
    },
    { method: 'zero', rank: 4, alpha: 16, quantizer: { doubleQuantization: false } }
  ],
  factorDtype: 'bfloat16',
  device: 'webgpu',
  onDeviceFailure: 'cpu',
  memoryBudget: 123_456_789,
  seed: 42
})

describe('a recipe as YAML', () => {
  it('keeps an expression for targets', () => {
    const variants = [{ method: 'svd', targets: { regex: '.*\\.[q-v]_proj - ' } }]
    const recipe = Recipe.parse({ ...plain, variants })
    expect(parseRecipeText(recipeYaml(recipe), '/a.yaml')).toEqual(recipe)
    expect(parseRecipeText(recipeJson(recipe), '/a.json')).toEqual(recipe)
  })

  it('reads as a person would write it', () => {
    expect(recipeYaml(rich)).toBe(`# A recipe for Quail: everything that decides the bytes of a run.
# Run it with \`quail run FILE\`, or drop the file on the window. \`quail schema\` explains every key;
# what is left out has its default.

version: 1
name: 'no: "defaults" # at all'
model: "/models/my model: 1"
base: "/models/my model: 1, in 4 bits"

calibration:
  set: yes
  rows: 7
  draw: 2
  enough: 0.02

evaluation:
  files:
    - "/texts/a #1.txt"
    - /texts/- b.txt
    - /texts/ä.txt
  rows: 9

policy: padded
context: 128
lossOn: responses
calibrateOn: prompts
firstToken: exclude

variants:
  - name: "1e3"
    method: exact
    rank: 8
    alpha: 0.1
    rslora: true
    iterations: 3
    targets: [ q_proj, "null", "12" ]
    quantizer: { blockSize: 128, doubleQuantization: false }
  - method: zero
    rank: 4
    alpha: 16
    quantizer: { doubleQuantization: false }

factorDtype: bfloat16
device: webgpu
onDeviceFailure: cpu
memoryBudget: 123456789
seed: 42
`)
  })

  it('leaves out what goes without saying', () => {
    expect(recipeYaml(plain).split('\n').slice(4)).toEqual([
      'version: 1',
      'model: /models/small',
      '',
      'calibration:',
      '  files:',
      '    - /texts/law.txt',
      '  rows: 64',
      '',
      'context: 256',
      '',
      'variants:',
      '  - method: quailora',
      '    rank: 16',
      '    alpha: 16',
      ''
    ])
  })

  it.each([
    ['plain', plain],
    ['rich', rich]
  ])('gives the %s recipe back, equal, as JSON does', (_, recipe) => {
    expect(parseRecipeText(recipeYaml(recipe), '/anywhere/r.yaml')).toEqual(recipe)
    expect(parseRecipeText(recipeJson(recipe), '/anywhere/r.json')).toEqual(recipe)
  })

  it('keeps every field that a recipe has', () => {
    expect(fieldsMissing(EVERY_FIELD)).toEqual([])
    for (const recipe of EVERY_FIELD) {
      expect(parseRecipeText(recipeYaml(recipe), '/anywhere/r.yaml')).toEqual(recipe)
      expect(parseRecipeText(recipeJson(recipe), '/anywhere/r.json')).toEqual(recipe)
    }
  })

  it('names files below its own directory as seen from there, so that both can be moved', () => {
    const text = recipeYaml(rich, { directory: '/texts' })
    expect(text).toContain('    - ./ä.txt\n')
    expect(text).toContain('model: "/models/my model: 1"')
    expect(parseRecipeText(text, '/texts/r.yaml')).toEqual(rich)
    expect(parseRecipeText(text, '/moved/r.yaml').evaluation?.files?.[2]).toBe('/moved/ä.txt')
  })
})

describe('a recipe that nobody would write', () => {
  const MILLION = 1_000_000
  it.each([
    ['brackets', '['.repeat(MILLION), /nested deeper than 64 levels at line 1$/],
    ['mappings in one line', `\n${'{"a":'.repeat(MILLION / 5)}`, /nested deeper than 64 levels at line 2$/],
    ['lists in one line', '- '.repeat(MILLION), /nested deeper than 64 levels/],
    [
      'mappings below each other',
      Array.from({ length: 1400 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''),
      /^\/r\.yaml is no recipe: it is nested deeper than 64 levels at line 65$/
    ],
    ['keys', Array.from({ length: 1e5 }, (_, n) => `k${n}: 1\n`).join(''), /more keys and values than a recipe/],
    ['items', `[${'a,'.repeat(MILLION)}]`, /more keys and values than a recipe/]
  ])('is refused before it is parsed: %s', (_, text, words) => {
    expect(() => parseRecipeText(text, '/r.yaml')).toThrow(words)
  })

  it('is refused as JSON, too: its reader calls itself for each level', () => {
    const text = (levels: number) => `{"version": 1, "model": ${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(() => parseRecipeText(text(5000), '/r.json')).toThrow(/^\/r\.json is no recipe: it is nested deeper than 64/)
    expect(() => parseRecipeText(text(60), '/r.json')).toThrow(/model: .* is not a text/)
  })

  it('a long recipe of few levels, back and forth, is no deep one', () => {
    const lists = Array.from({ length: 300 }, (_, n) => `${' '.repeat(2 + (n % 2))}k${n}:`).join('\n')
    expect(() => parseRecipeText(`${lists}\n`, '/r.yaml')).not.toThrow(/nested/)
  })

  it('is not read where it is too large', async () => {
    const path = join(temporaryHome(), 'large.yaml')
    writeFileSync(path, '')
    truncateSync(path, 3 * 2 ** 30)
    const words = `${path} has 3221225472 bytes, a recipe at most 4194304; that is not a recipe`
    await expect(readRecipeFile(path)).rejects.toMatchObject({ code: 'BAD_INPUT', message: words })
  })

  it('a recipe of three thousand files is read', () => {
    const files = Array.from({ length: 3000 }, (_, n) => `    - /texts/part-${n}.txt\n`).join('')
    const text = `version: 1\nmodel: /m\ncalibration:\n  files:\n${files}variants:\n  - {method: svd, rank: 4}\n`
    expect(parseRecipeText(text, '/r.yaml').calibration.files).toHaveLength(3000)
  })
})

describe('saving a recipe', () => {
  it('is read back equal', async () => {
    const home = temporaryHome()
    for (const name of ['r.yaml', 'r.json']) {
      const path = join(home, name)
      await saveRecipeFile(path, recipeTextFor(path, rich, { directory: home }))
      expect(await readRecipeFile(path)).toEqual(rich)
    }
  })

  it('never replaces a file that it was not told to replace', async () => {
    const home = temporaryHome()
    const path = join(home, 'mine.yaml')
    writeFileSync(path, 'precious')
    await expect(saveRecipeFile(path, 'new')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${path} is there already; choose another name, or replace it`
    })
    expect(readFileSync(path, 'utf8')).toBe('precious')
    await saveRecipeFile(path, 'new', { replace: true })
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(home)).toEqual(['mine.yaml'])
  })
})

it.each([
  [
    '/r.json',
    '{"version": 1, "model": "/a", "model": "/b"}',
    /r\.json is not valid JSON: it holds the key "model" twice/
  ],
  ['/r.yaml', 'version: 1\nmodel: /a\nmodel: /b', /r\.yaml is not valid YAML: Map keys must be unique/]
])('a key that is there twice, of which one would be lost, is refused in %s', (path, text, words) => {
  expect(() => parseRecipeText(text, path)).toThrow(words)
})
