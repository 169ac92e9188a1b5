import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startEngine } from '../../src/engine/worker/pool'
import { defaultOut, preflightRecipe } from '../../src/services/preflight'
import { createRun, startRun } from '../../src/services/runService'
import { closeServices, openServices } from '../../src/services/services'
import { applyChanges, type Finding } from '../../src/shared/findings'
import { Recipe } from '../../src/shared/recipe'
import { builtCli } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'
import { temporaryHome } from '../helpers/stores'

async function temporaryServices() {
  const home = temporaryHome()
  const engine = startEngine(new URL('engineWorker.js', pathToFileURL(builtCli)))
  const services = await openServices({ home, version: '0.0.0', engine })
  onTestFinished(() => closeServices(services))
  return services
}

const calibration = sampleText('sotu-calibration.txt')
const recipeWith = (changes: Partial<Record<keyof Recipe, unknown>> = {}): Recipe =>
  Recipe.parse({
    version: 1,
    model: sampleModel,
    calibration: { files: [calibration] },
    evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 4 },
    variants: [{ method: 'svd', rank: 8 }],
    ...changes
  })

const errorsOf = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity === 'error')

describe('the preflight of a recipe', () => {
  it('tells of each text that cannot be used, and plans with the others', async () => {
    const services = await temporaryServices()
    const missing = join(services.home, 'missing.txt')
    const recipe = recipeWith({
      calibration: { files: [calibration, missing, calibration] },
      evaluation: { set: 'nothing' }
    })
    const { findings, plan } = await preflightRecipe(services, recipe)
    expect(errorsOf(findings)).toMatchObject([
      { code: 'TEXT', message: expect.stringContaining('missing.txt does not exist'), fix: { label: 'Leave it out' } },
      { code: 'TEXT', message: expect.stringContaining('is given twice'), fix: { label: 'Keep it once' } },
      { code: 'TEXT', message: expect.stringContaining('"nothing"'), fix: { label: 'Go without evaluation text' } }
    ])
    expect(plan?.calibration.rows).toBe(64)
    expect(plan?.evaluation.rows).toBe(0)
  })

  it('is clean after every error was mended by its fix, one after another', async () => {
    const services = await temporaryServices()
    let recipe = recipeWith({
      calibration: { files: [calibration, join(services.home, 'missing.txt'), calibration] },
      evaluation: { set: 'nothing' },
      context: 100_000,
      variants: [{ method: 'svd', rank: 300, targets: ['q_prj', 'nonsense'] }]
    })
    let mended = 0
    for (;;) {
      const [error] = errorsOf((await preflightRecipe(services, recipe)).findings)
      if (error === undefined) break
      recipe = Recipe.parse(applyChanges(recipe, error.fix?.changes ?? []))
      expect(++mended).toBeLessThan(10)
    }
    expect(mended).toBe(7)
    expect(recipe.variants[0]).toMatchObject({ rank: 256, targets: ['q_proj'] })
  })

  it('tells of an output folder that is not empty or lies in the model', async () => {
    const services = await temporaryServices()
    const out = join(services.home, 'full')
    mkdirSync(out)
    writeFileSync(join(out, 'notes.txt'), 'x')
    expect(errorsOf((await preflightRecipe(services, recipeWith(), { out })).findings)).toMatchObject([
      { code: 'OUT', subject: 'output', message: expect.stringContaining('is not empty (it holds notes.txt)') }
    ])
    const inModel = await preflightRecipe(services, recipeWith(), { out: join(sampleModel, 'adapter') })
    expect(errorsOf(inModel.findings)).toMatchObject([
      { code: 'OUT', message: expect.stringContaining('never written') }
    ])
    const fresh = await preflightRecipe(services, recipeWith(), { out: defaultOut(services, 'new') })
    expect(errorsOf(fresh.findings)).toEqual([])
  })

  it('answers while a run is under way', async () => {
    const services = await temporaryServices()
    const { id, out } = await createRun(services, recipeWith(), (run) => defaultOut(services, run))
    expect(out).toBe(join(services.home, 'adapters', id))
    const order: string[] = []
    const run = startRun(services, id).then(() => order.push('run'))
    const plan = preflightRecipe(services, recipeWith()).then(() => order.push('preflight'))
    await Promise.all([run, plan])
    expect(order).toEqual(['preflight', 'run'])
  })

  it('can be given up', async () => {
    const services = await temporaryServices()
    const controller = new AbortController()
    const given = preflightRecipe(services, recipeWith(), { signal: controller.signal })
    controller.abort()
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
