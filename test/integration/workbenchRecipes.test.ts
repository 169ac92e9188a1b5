import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readRecipeFile } from '../../src/services/recipeFile'
import { recipeYaml } from '../../src/services/recipeText'
import { Recipe } from '../../src/shared/recipe'
import { sampleModel, sampleText } from '../helpers/paths'
import { openWorkbench, temporaryFolder } from '../helpers/workbench'

const recipe = Recipe.parse({
  version: 1,
  name: 'short',
  model: sampleModel,
  calibration: { files: [sampleText('moby-evaluation.txt')], rows: 16 },
  context: 64,
  variants: [{ method: 'svd', rank: 4, targets: ['q_proj'] }]
})

describe('a recipe to begin with', () => {
  test('is one for the sample that nothing speaks against', async () => {
    const workbench = openWorkbench()
    const { recipe: start } = await workbench.call('recipes.start', {})
    expect(Recipe.parse(start)).toEqual(start)
    expect(start.model).toBe(sampleModel)
    const { findings, plan } = await workbench.call('plan.preflight', {
      recipe: start,
      out: null,
      flopsPerSecond: null
    })
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
    expect(plan?.variants.map(({ name }) => name)).toEqual(['quailora-r16'])
    await workbench.close()
  })

  test('is the one of the last run of a model, or of a run', async () => {
    const workbench = openWorkbench()
    await workbench.call('queue.hold', { held: true })
    const { id } = await workbench.call('queue.enqueue', { recipe })
    expect((await workbench.call('recipes.start', { model: sampleModel })).recipe).toEqual(recipe)
    expect(await workbench.call('recipes.ofRun', { run: id })).toEqual({ recipe, origin: `The recipe of run ${id}` })
    expect((await workbench.call('recipes.list', {})).map((stored) => stored.recipe)).toEqual([recipe])
    const { texts } = await workbench.call('recipes.choices', {})
    expect(texts[0]).toBe(sampleText('moby-evaluation.txt'))
    await workbench.close()
  })
})

describe('a recipe that begins with a stored set', () => {
  test('takes its texts the way they were imported for', async () => {
    const workbench = openWorkbench()
    const file = join(temporaryFolder(), 'chats.jsonl')
    writeFileSync(file, ['one two three', 'four five six'].map((text) => `${JSON.stringify({ text })}\n`).join(''))
    await workbench.grant([file], 'readText')
    await workbench.call('calibration.import', { file, name: 'chats' })
    const { recipe: start } = await workbench.call('recipes.start', { model: sampleModel, set: 'chats' })
    expect(start).toMatchObject({ calibration: { set: 'chats' }, policy: 'padded', model: sampleModel })
    const { findings, plan } = await workbench.call('plan.preflight', {
      recipe: start,
      out: null,
      flopsPerSecond: null
    })
    expect(plan?.calibration.rows).toBe(2)
    expect(findings.map(({ code }) => code)).toEqual(['FEW_TOKENS', 'NO_EVALUATION', 'FEW_ROWS'])
    await workbench.close()
  })
})

describe('a recipe file', () => {
  test('grants nothing by naming it, and is saved so that it reads back equal', async () => {
    const workbench = openWorkbench()
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'texts'))
    writeFileSync(join(folder, 'texts', 'own.txt'), readFileSync(sampleText('moby-evaluation.txt')))
    const own: Recipe = { ...recipe, calibration: { files: [join(folder, 'texts', 'own.txt')], rows: 16 } }
    const file = join(folder, 'domain.yaml')
    writeFileSync(file, recipeYaml(own, { directory: folder }))

    const plan = () => workbench.call('plan.preflight', { recipe: own, out: null, flopsPerSecond: null })
    await expect(plan()).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('own.txt') })
    await expect(workbench.call('recipes.read', { path: file })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await workbench.grant([file], 'readRecipe')
    expect((await workbench.call('recipes.read', { path: file })).recipe).toEqual(own)
    await expect(plan()).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('own.txt') })
    await workbench.grant(own.calibration.files ?? [], 'readText')
    expect((await plan()).plan?.calibration.rows).toBe(16)

    const saved = join(folder, 'saved.json')
    await expect(workbench.call('recipes.save', { recipe: own, path: saved })).rejects.toMatchObject({
      code: 'BAD_INPUT'
    })
    await workbench.grant([saved], 'writeRecipe')
    await workbench.call('recipes.save', { recipe: own, path: saved })
    await workbench.call('recipes.save', { recipe: own, path: saved })
    expect(await readRecipeFile(saved)).toEqual(own)
    writeFileSync(saved, '{"somebody": "else"}')
    await expect(workbench.call('recipes.save', { recipe: own, path: saved })).rejects.toThrow('holds no recipe')
    expect(readFileSync(saved, 'utf8')).toBe('{"somebody": "else"}')
    await workbench.close()
  })

  test('in JSON is told from data by what it holds', async () => {
    const workbench = openWorkbench()
    const folder = temporaryFolder()
    const contents = { recipe: { version: 1, model: 'm', variants: [] }, rows: [{ text: 'a' }], other: { model: 'm' } }
    for (const [name, content] of Object.entries(contents)) {
      writeFileSync(join(folder, `${name}.json`), JSON.stringify(content))
    }
    writeFileSync(join(folder, 'damaged.json'), '{"model": 1, "variants":')
    await workbench.grant(
      ['recipe', 'rows', 'other', 'damaged', 'missing'].map((name) => join(folder, `${name}.json`)),
      'readText'
    )
    const recognize = (name: string) => workbench.call('recipes.recognize', { path: join(folder, name) })
    expect(await recognize('recipe.json')).toBe('recipe')
    for (const name of ['rows.json', 'other.json', 'damaged.json', 'missing.json'])
      expect(await recognize(name)).toBe('file')
    await workbench.grant([folder], 'recognize')
    expect(await workbench.call('recipes.recognize', { path: folder })).toBe('folder')
    await workbench.close()
  })

  test('that is damaged says where', async () => {
    const workbench = openWorkbench()
    const file = join(temporaryFolder(), 'bad.yaml')
    writeFileSync(file, 'version: 1\nmodel: x\ncalibraton: {}\n')
    await workbench.grant([file], 'readRecipe')
    await expect(workbench.call('recipes.read', { path: file })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('did you mean calibration?')
    })
    await workbench.close()
  })
})

describe('the plan of the form', () => {
  test('prices every chip, guesses at once, and measures once', async () => {
    const workbench = openWorkbench()
    const flopsPerSecond = (await workbench.call('plan.speed', { device: 'cpu' })) ?? 0
    expect(await workbench.call('plan.speed', { device: 'cpu' })).toBe(flopsPerSecond)
    const [cpu] = await workbench.call('devices.list', {})
    expect(cpu?.speed?.gflops).toBeCloseTo(flopsPerSecond / 1e9, 9) // but for rounding, one number on every page
    const chips = [
      { axis: 'method' as const, method: 'quailora' as const },
      { axis: 'rank' as const, rank: 4 }
    ]
    const input = { recipe, out: null, chips, flopsPerSecond }
    const guessed = await workbench.call('plan.preflight', { ...input, guess: true })
    const { plan, alternatives } = await workbench.call('plan.preflight', input)
    expect(Object.keys(alternatives)).toEqual(['method:quailora']) // the only rank cannot be taken away
    expect(alternatives['method:quailora']?.seconds).toBeGreaterThan(plan?.seconds ?? Number.POSITIVE_INFINITY)
    expect(plan?.speed).toEqual({ flopsPerSecond, measured: true })
    // The text is long enough for all rows that are asked for; a guess knows nothing of second moments that are kept.
    expect(guessed.plan?.calibration).toEqual(plan?.calibration)
    expect(plan?.moments?.state).toBe('kept')
    expect(guessed.plan?.moments).toBeUndefined()
    expect(guessed.plan?.seconds).toBeLessThan(plan?.seconds as number)
    await workbench.close()
  })
})
