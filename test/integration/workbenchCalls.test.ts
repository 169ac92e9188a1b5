import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CallInput, type CallOutput, WORKBENCH_CALLS, type WorkbenchCallName } from '../../src/shared/contract'
import { Recipe } from '../../src/shared/recipe'
import { kindOfText } from '../../src/shared/sweep'
import { neoxModel, sampleModel, sampleText } from '../helpers/paths'
import { openWorkbench, type TestWorkbench, temporaryFolder } from '../helpers/workbench'

/*
 * Every call of the contract on a real store, in the order in which a person comes to them. What the calls do in depth is
 * tested elsewhere; here each is asked once at least, and what it changed is asked for again.
 */

const driven = new Set<string>()
let workbench: TestWorkbench

async function ask<N extends WorkbenchCallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  driven.add(name)
  return workbench.call(name, input)
}

const recipe = (name: string, rows = 8) =>
  Recipe.parse({
    version: 1,
    name,
    model: sampleModel,
    calibration: { files: [sampleText('moby-evaluation.txt')], rows },
    evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 4 },
    context: 64,
    variants: [
      { method: 'zero', rank: 4, targets: ['q_proj'] },
      { method: 'quailora', rank: 4, targets: ['q_proj'] }
    ]
  })

/** Puts a run into the queue and waits for its end. */
async function run(name: string): Promise<string> {
  const ended = workbench.next('run.finished', ({ title }) => title === name)
  const { id } = await ask('queue.enqueue', { recipe: recipe(name) })
  expect(await ended).toMatchObject({ id, status: 'completed' })
  return id
}

describe('the workbench answers', () => {
  // One test: each part works on what those before it left in the store.
  test('every call of the contract', { timeout: 300_000 }, async () => {
    const folder = temporaryFolder()
    const home = temporaryFolder()
    workbench = openWorkbench(home)
    await workbench.grant([folder], 'writeFolder')
    await workbench.grant([join(folder, 'base')], 'readModel')
    await workbench.grant([join(folder, 'rows.jsonl'), join(folder, 'data.json')], 'readText')
    await workbench.grant([join(folder, 'law.yaml')], 'writeRecipe')
    await workbench.grant([join(folder, 'law.yaml')], 'readRecipe')
    await workbench.grant([join(folder, 'first.quailrun')], 'writeBundle')
    await workbench.grant([join(folder, 'first.quailrun')], 'readBundle')
    const id = await run('first')
    await aboutRuns(id)
    await aboutProofs(id)
    await aboutExports(id, folder)
    await aboutQueue()
    await aboutProjects(id)
    await aboutData(folder)
    await aboutModels(folder)
    await aboutRecipes(id, folder)
    await aboutThisMachine()
    await aboutDeletions()
    await aboutSweeps(folder)
    await aboutStore(home)
    expect([...driven].sort()).toEqual(Object.keys(WORKBENCH_CALLS).sort())
  })
})

async function aboutRuns(id: string): Promise<void> {
  expect(await ask('runs.list', {})).toMatchObject([{ id, title: 'first', status: 'completed' }])
  const detail = await ask('runs.get', { id })
  expect(detail.artifacts.map(({ variant, present }) => [variant, present])).toEqual([
    ['zero-r4', true],
    ['quailora-r4', true]
  ])
  expect(detail.workedMs).toBeGreaterThan(0)
  const layers = await ask('runs.layers', { id, variant: 'quailora-r4' })
  expect(layers.map(({ result }) => result.name)).toHaveLength(4)
  const log = await ask('runs.log', { id })
  expect(log.at(-1)?.text).toBe('completed')
  expect(await ask('runs.log', { id, after: log.at(-2)?.position ?? 0 })).toEqual(log.slice(-1))
  await ask('runs.setName', { id, name: 'The first' })
  await ask('runs.setNotes', { id, notes: 'short' })
  await ask('runs.setTags', { id, tags: ['a', 'b', 'a'] })
  expect(await ask('runs.list', {})).toMatchObject([{ title: 'The first', notes: 'short', tags: ['a', 'b'] }])
}

async function aboutProofs(id: string): Promise<void> {
  const proof = await ask('proof.run', { id })
  expect(proof).toMatchObject({ blocksDone: 4, planned: { blocks: 4, linears: 28 } })
  const layers = await ask('proof.layers', { id })
  expect(layers).toHaveLength(8)
  const [{ name = '' } = {}] = layers
  expect((await ask('proof.layer', { id, layer: name })).map(({ variant }) => variant).sort()).toEqual([
    'quailora-r4',
    'zero-r4'
  ])
  const [compared] = await ask('compare.runs', { ids: [id] })
  expect(compared).toMatchObject({ id, title: 'The first' })
  expect(await ask('compare.paired', { baseline: `${id}/quailora-r4`, ids: [id] })).toEqual({})
  expect(await ask('compare.layers', { ids: [id] })).toContain(name)
  const curves = await ask('compare.curves', { rows: [`${id}/quailora-r4`], layer: null })
  expect(curves).toHaveLength(1)
  expect((await ask('compare.report', { rows: [id] })).html).toContain('The first')
}

async function aboutExports(id: string, folder: string): Promise<void> {
  const variant = 'quailora-r4'
  const exported = await ask('exports.variant', { run: id, variant })
  expect(exported).toMatchObject({ variant, model: sampleModel, noBase: null })
  const { path } = await ask('exports.target', { run: id, variant, folder: join(folder, 'adapter') })
  const copied = await ask('exports.copy', { run: id, variant, to: path })
  expect(existsSync(join(copied.path, 'adapter_config.json'))).toBe(true)
  expect(await ask('exports.verify', { run: id, variant, adapter: copied.path })).toMatchObject({ fits: true })
  const other = await ask('exports.verify', { run: id, variant, model: await grantedModel() })
  expect(other.fits).toBe(false)
  const base = await ask('exports.base', { run: id, variant, out: join(folder, 'base') })
  // Of the same linears: all of the model are quantized, whatever the adapter's targets.
  expect(base.fingerprint).toMatchObject({ codes: exported.fingerprint?.codes, absmax: exported.fingerprint?.absmax })
  expect(existsSync(join(folder, 'base/model.safetensors'))).toBe(true)
  await expect(ask('exports.base', { run: id, variant, out: join(folder, 'base') })).rejects.toThrow(
    'which is never written'
  )
  const bundle = join(folder, 'first.quailrun')
  await ask('exports.bundle', { run: id, out: bundle })
  await expect(ask('exports.importBundle', { file: bundle })).rejects.toThrow('is here already')
}

async function grantedModel(): Promise<string> {
  await workbench.grant([neoxModel], 'readModel')
  return neoxModel
}

async function aboutQueue(): Promise<void> {
  await ask('queue.hold', { held: true })
  const { id: second } = await ask('queue.enqueue', { recipe: recipe('second') })
  const { id: third } = await ask('queue.enqueue', { recipe: recipe('third') })
  await ask('queue.reorder', { ids: [third, second] })
  const state = await ask('queue.state', {})
  expect(state).toMatchObject({ held: true, running: null })
  expect(state.waiting.map(({ id }) => id)).toEqual([third, second])
  await ask('queue.cancel', { id: second })
  await ask('queue.resume', { id: second })
  expect((await ask('queue.state', {})).waiting.map(({ id }) => id)).toEqual([third, second])
}

async function aboutProjects(run: string): Promise<void> {
  const { id } = await ask('projects.create', { name: 'Courts' })
  await ask('projects.rename', { id, name: 'Law' })
  await ask('projects.setNotes', { id, notes: 'for the paper' })
  await ask('projects.setArchived', { id, archived: true })
  await ask('runs.setProject', { ids: [run], project: id })
  const law = (await ask('projects.list', {})).find((project) => project.id === id)
  expect(law).toMatchObject({ name: 'Law', notes: 'for the paper', runs: 1, lastResult: { run } })
  expect(law?.archivedAtMs).toBeGreaterThan(0)
  await ask('projects.setArchived', { id, archived: false })
  expect(await ask('projects.previewDeletion', { id })).toMatchObject({ runs: 1 })
  const { deletion } = await ask('projects.delete', { id })
  expect((await ask('runs.list', {})).map((one) => one.id)).not.toContain(run)
  await ask('deletions.undo', { id: deletion })
  expect((await ask('projects.list', {})).find((project) => project.id === id)).toEqual({ ...law, archivedAtMs: null })
  const sample = await ask('projects.startSample', {})
  // The queue is held: it waits, and is taken out again.
  await ask('queue.cancel', { id: sample.run })
}

async function aboutData(folder: string): Promise<void> {
  const file = join(folder, 'rows.jsonl')
  writeFileSync(
    file,
    Array.from({ length: 30 }, (_, i) => JSON.stringify({ text: `Sample ${i} of some words.` })).join('\n')
  )
  expect(await ask('calibration.inspect', { file })).toMatchObject({ suggestedName: 'rows', kind: 'text' })
  expect(await ask('calibration.import', { file, name: 'rows' })).toEqual({ name: 'rows', samples: 30, badRows: 0 })
  expect(await ask('calibration.get', { name: 'rows' })).toMatchObject({ samples: 30, heldOut: null })
  expect(await ask('calibration.samples', { name: 'rows', after: 27 })).toHaveLength(2)
  const preview = { name: 'rows', model: sampleModel, policy: 'padded' as const, context: 16, rows: 4, row: 0 }
  expect((await ask('calibration.preview', preview)).rows).toBe(4)
  const { evaluation } = await ask('calibration.holdOut', { name: 'rows' })
  expect(evaluation).toMatchObject({ name: 'rows-evaluation', samples: 3 })
  const { deletion } = await ask('calibration.delete', { names: ['rows-evaluation'] })
  expect((await ask('calibration.list', {})).map(({ name }) => name)).toEqual(['rows', 'rows-calibration'])
  await ask('deletions.undo', { id: deletion })
  expect(await ask('calibration.list', {})).toHaveLength(3)
}

async function aboutModels(folder: string): Promise<void> {
  expect((await ask('models.scan', {})).models.map(({ name }) => name)).toContain('Sample model')
  const { models } = await ask('models.list', {})
  const sample = models.find(({ directory }) => directory === sampleModel)
  expect(await ask('models.get', { id: sample?.id ?? '' })).toMatchObject({ failure: null })
  const { ids, folder: added } = await ask('models.add', { folder: join(folder, 'base') })
  expect(ids).toHaveLength(1)
  const removed = await ask('models.remove', { folder: added })
  const places = async () => (await ask('models.list', {})).models.map(({ directory }) => directory)
  expect(await places()).not.toContain(added)
  await ask('models.restore', removed)
  expect(await places()).toContain(added)
}

async function aboutRecipes(run: string, folder: string): Promise<void> {
  const path = join(folder, 'law.yaml')
  expect((await ask('recipes.start', { model: sampleModel })).recipe.model).toBe(sampleModel)
  expect((await ask('recipes.choices', {})).sets.map(({ name }) => name)).toContain('rows')
  expect((await ask('recipes.ofRun', { run })).recipe).toMatchObject({ name: 'first' })
  await ask('recipes.save', { recipe: recipe('saved'), path })
  expect((await ask('recipes.read', { path })).recipe).toEqual(recipe('saved'))
  expect(await ask('recipes.text', { recipe: recipe('saved') })).toBe(readFileSync(path, 'utf8'))
  writeFileSync(join(folder, 'data.json'), '[{"text":"a"}]')
  expect(await ask('recipes.recognize', { path: join(folder, 'data.json') })).toBe('file')
  expect((await ask('recipes.list', {})).map((one) => one.recipe.name)).toEqual(
    expect.arrayContaining(['first', 'second', 'third'])
  )
  const flopsPerSecond = await ask('plan.speed', { device: 'cpu' })
  expect(flopsPerSecond).toBeGreaterThan(0)
  const found = await ask('plan.preflight', { recipe: recipe('planned'), out: null, flopsPerSecond })
  expect(found.plan?.variants).toHaveLength(2)
}

async function aboutThisMachine(): Promise<void> {
  expect((await ask('devices.refresh', {})).map(({ name }) => name)).toContain('cpu')
  const measured = await ask('devices.measure', { device: 'cpu' })
  const cpu = (await ask('devices.list', {})).find(({ name }) => name === 'cpu')
  expect(cpu?.speed).toEqual(measured)
  await ask('settings.change', { theme: 'dark' })
  expect((await ask('settings.get', {})).preferences.theme).toBe('dark')
  expect((await ask('settings.storage', {})).runs.length).toBeGreaterThan(2)
  await expect(ask('settings.cleanUp', { ids: ['nothing'] })).rejects.toThrow('is not there to be cleaned up')
  expect((await ask('settings.diagnostics', {})).text).toContain('quick_check')
  expect((await ask('settings.licences', {})).length).toBeGreaterThan(10)
}

async function aboutDeletions(): Promise<void> {
  const [run] = (await ask('queue.state', {})).waiting
  const id = run?.id ?? ''
  expect(await ask('runs.previewDeletion', { ids: [id] })).toMatchObject({ runs: 1 })
  const { deletion } = await ask('runs.delete', { ids: [id] })
  expect(await ask('deletions.list', {})).toMatchObject([{ id: deletion, title: `the run ${run?.title}` }])
  expect((await ask('queue.state', {})).waiting.map((one) => one.id)).not.toContain(id)
  await ask('deletions.undo', { id: deletion })
  expect((await ask('queue.state', {})).waiting.map((one) => one.id)).toContain(id)
  await expect(ask('deletions.undo', { id: deletion })).rejects.toThrow('cannot be undone any more')
}

/** The queue is held: its runs wait. */
async function aboutSweeps(folder: string): Promise<void> {
  const wish = { recipe: recipe('swept'), name: 'sweep', seeds: 2, each: false, out: join(folder, 'sweep') }
  await expect(ask('sweeps.start', { ...wish, seeds: 100 })).rejects.toThrow(/draw 99 is asked for/)
  // The file system of /proc has no room, and nothing is ever written there.
  if (existsSync('/proc/self')) {
    await workbench.grant(['/proc/sweep'], 'writeFolder')
    await expect(ask('sweeps.start', { ...wish, out: '/proc/sweep' })).rejects.toThrow(/MiB of disk are needed/)
  }
  const { id } = await ask('sweeps.start', wish)
  const sweep = await ask('sweeps.get', { id })
  expect(sweep).toMatchObject({ definition: { name: 'sweep', seeds: 2 }, completed: 0, total: 2 })
  expect(sweep.runs.map(({ index, status }) => [index, status])).toEqual([
    [0, 'queued'],
    [1, 'queued']
  ])
  const [first, second] = sweep.runs
  await ask('queue.cancel', { id: first?.id ?? '' })
  await ask('runs.delete', { ids: [second?.id ?? ''] })
  expect(await ask('sweeps.list', {})).toMatchObject([{ definition: { id }, runs: [{ status: 'cancelled' }] }])
  await ask('sweeps.resume', { id })
  const resumed = (await ask('sweeps.get', { id })).runs
  expect(resumed.map(({ status }) => status)).toEqual(['queued', 'queued'])
  expect(resumed[1]?.id).not.toBe(second?.id)
  await ask('sweeps.stop', { id })
  expect((await ask('sweeps.get', { id })).runs.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  await ask('sweeps.resume', { id })
  await expect(ask('sweeps.report', { id })).rejects.toThrow('so there is nothing to report')
  await ask('sweeps.rename', { id, name: 'renamed' })
  await ask('runs.delete', { ids: [first?.id ?? ''] })
  await ask('sweeps.resume', { id })
  // A run that is made later is called as the sweep is now.
  const named = (await ask('queue.state', {})).waiting
    .map(({ title }) => title)
    .filter((title) => /^renamed/.test(title))
  expect(named.sort()).toEqual(
    [0, 1].map((seed) => `renamed: ${kindOfText(sampleText('moby-evaluation.txt'))}, seed ${seed}`)
  )
  expect(await ask('sweeps.previewDeletion', { id })).toMatchObject({ runs: 2 })
  const { deletion } = await ask('sweeps.delete', { id })
  expect(await ask('sweeps.list', {})).toEqual([])
  await expect(ask('sweeps.delete', { id })).rejects.toThrow(/there is no sweep/)
  await ask('deletions.undo', { id: deletion })
  expect(await ask('sweeps.list', {})).toMatchObject([{ definition: { id, name: 'renamed' }, total: 2 }])
}

async function aboutStore(home: string): Promise<void> {
  expect(await ask('store.state', {})).toEqual({ home, problem: null, canRebuild: false })
  await expect(ask('store.rebuild', {})).rejects.toThrow(/.+/)
  // A database that is damaged is made anew from the run folders.
  await workbench.close()
  mkdirSync(home, { recursive: true })
  const damaged = readFileSync(join(home, 'quail.db'))
  damaged.fill(0xff, 1024)
  writeFileSync(join(home, 'quail.db'), damaged)
  workbench = openWorkbench(home)
  expect(await ask('store.state', {})).toMatchObject({ canRebuild: true })
  expect((await ask('store.rebuild', {})).runs).toBeGreaterThan(2)
  const rebuilt = (await ask('runs.list', {})).find(({ title }) => title === 'The first')
  expect(rebuilt).toMatchObject({ notes: 'short', tags: ['a', 'b'] })
}
