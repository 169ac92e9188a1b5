import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CONTRACT, WORKBENCH_CALLS, type WorkbenchCallName } from '../../../src/shared/contract'
import { type NamedPath, PURPOSES, type Purpose } from '../../../src/shared/contract/purposes'
import { Recipe } from '../../../src/shared/recipe'
import { closeStore } from '../../../src/store/database'
import { completeRun, temporaryServices } from '../../helpers/bundles'
import { sampleModel, sampleText } from '../../helpers/paths'
import { runRecord, sha256, temporaryHome } from '../../helpers/stores'
import { openWorkbench, type TestWorkbench } from '../../helpers/workbench'

/*
 * Every call of the contract, as a page would make it that foreign code has taken over: with paths that nobody granted, or
 * granted for something else, and with ids that are ways out of a folder. Nothing outside may be read or written.
 */

const RUN = 'run-1'
const FOREIGN = 'run-2'
const VARIANT = 'svd-r8'
/** A place at which there is nothing, and nobody may make anything. */
const NOWHERE = join(tmpdir(), `quail-nowhere-${process.pid}`)

/** What hostile values stand in for: one path, one id, one name of anything. */
interface Place {
  readonly path: string
  readonly id: string
  readonly name: string
}

const recipe = (model: string, file: string): unknown =>
  Recipe.parse({
    version: 1,
    model,
    calibration: { files: [file], rows: 2 },
    context: 32,
    variants: [{ method: 'svd', rank: 2, targets: ['q_proj'] }]
  })

const sound = recipe(sampleModel, sampleText('moby-evaluation.txt'))
const preview = { name: 'notes', policy: 'packed', context: 16, rows: 2, row: 0 }

/** Inputs of each call with a place for what is hostile, one for each field that could hold it. */
const CASES: Readonly<Record<WorkbenchCallName, (at: Place) => readonly unknown[]>> = {
  'store.state': ({ path }) => [{ home: path }],
  'store.rebuild': ({ path }) => [{ home: path }],
  'projects.list': ({ path }) => [{ path }],
  'projects.create': ({ name }) => [{ name }],
  'projects.rename': ({ id, name }) => [
    { id, name: 'x' },
    { id: 'default', name }
  ],
  'projects.setArchived': ({ id }) => [{ id, archived: true }],
  'projects.startSample': ({ path }) => [{ model: path }],
  'projects.setNotes': ({ id, name }) => [
    { id, notes: 'x' },
    { id: 'default', notes: name }
  ],
  'projects.previewDeletion': ({ id }) => [{ id }],
  'projects.delete': ({ id }) => [{ id }],
  'runs.list': ({ id }) => [{ project: id }],
  'runs.get': ({ id }) => [{ id }],
  'runs.layers': ({ id, name }) => [{ id }, { id: RUN, variant: name }],
  'runs.log': ({ id }) => [{ id }],
  'runs.previewDeletion': ({ id }) => [{ ids: [id] }, { ids: [RUN, id] }],
  'runs.delete': ({ id }) => [{ ids: [id] }],
  'runs.setName': ({ id, name }) => [
    { id, name: 'x' },
    { id: RUN, name }
  ],
  'runs.setNotes': ({ id, name }) => [
    { id, notes: 'x' },
    { id: RUN, notes: name }
  ],
  'runs.setTags': ({ id, name }) => [
    { id, tags: ['x'] },
    { id: RUN, tags: [name] }
  ],
  'runs.setProject': ({ id }) => [
    { ids: [id], project: 'default' },
    { ids: [RUN], project: id }
  ],
  'queue.state': ({ path }) => [{ path }],
  'queue.enqueue': ({ path, id }) => [
    { recipe: recipe(path, sampleText('moby-evaluation.txt')) },
    { recipe: recipe(sampleModel, path) },
    { recipe: sound, out: path },
    { recipe: sound, project: id }
  ],
  'queue.resume': ({ id, path }) => [{ id }, { id: RUN, out: path }],
  'queue.cancel': ({ id }) => [{ id }],
  'queue.hold': ({ path }) => [{ held: path }],
  'queue.reorder': ({ id }) => [{ ids: [id] }],
  'models.list': ({ path }) => [{ path }],
  'models.scan': ({ path }) => [{ path }],
  'models.get': ({ id, path }) => [{ id }, { id: path }],
  'models.add': ({ path }) => [{ folder: path }],
  'models.remove': ({ path }) => [{ folder: path }],
  'models.restore': ({ path }) => [{ folder: path, addedAtMs: 1, searched: true }],
  'devices.list': ({ path }) => [{ path }],
  'devices.refresh': ({ path }) => [{ path }],
  'devices.measure': ({ path }) => [{ device: path }],
  'proof.run': ({ id }) => [{ id }],
  'proof.layers': ({ id }) => [{ id }],
  'proof.layer': ({ id, name }) => [
    { id, layer: 'x' },
    { id: RUN, layer: name }
  ],
  'recipes.start': ({ path, name }) => [{ model: path }, { set: name }],
  'recipes.choices': ({ path }) => [{ path }],
  'recipes.ofRun': ({ id }) => [{ run: id }],
  'recipes.read': ({ path }) => [{ path }],
  'recipes.recognize': ({ path }) => [{ path }],
  'recipes.text': ({ path }) => [{ recipe: recipe(path, path) }],
  'recipes.save': ({ path }) => [
    { recipe: sound, path },
    { recipe: recipe(sampleModel, path), path: NOWHERE }
  ],
  'recipes.list': ({ path }) => [{ path }],
  'plan.preflight': ({ path }) => [
    { recipe: recipe(path, sampleText('moby-evaluation.txt')), out: null, flopsPerSecond: null },
    { recipe: recipe(sampleModel, path), out: null, flopsPerSecond: null },
    { recipe: sound, out: path, flopsPerSecond: null }
  ],
  'plan.speed': ({ path }) => [{ device: path }],
  'exports.variant': ({ id, name, path }) => [
    { run: id, variant: VARIANT },
    { run: RUN, variant: name },
    { run: RUN, variant: VARIANT, copiedTo: path }
  ],
  'exports.target': ({ id, path }) => [
    { run: RUN, variant: VARIANT, folder: path },
    { run: id, variant: VARIANT, folder: NOWHERE }
  ],
  'exports.copy': ({ name, path }) => [
    { run: RUN, variant: VARIANT, to: path, replace: true },
    { run: RUN, variant: name, to: path, replace: true }
  ],
  'exports.verify': ({ path }) => [
    { run: RUN, variant: VARIANT, adapter: path },
    { run: RUN, variant: VARIANT, model: path }
  ],
  'exports.base': ({ path }) => [{ run: RUN, variant: VARIANT, out: path }],
  'exports.bundle': ({ id, path }) => [
    { run: RUN, out: path },
    { run: id, out: NOWHERE }
  ],
  'exports.importBundle': ({ path }) => [{ file: path }],
  'settings.get': ({ path }) => [{ path }],
  'settings.change': ({ path }) => [{ modelFolders: [path] }, { theme: path }],
  'settings.storage': ({ path }) => [{ path }],
  'settings.cleanUp': ({ id, path }) => [{ ids: [id] }, { ids: [`spool:${id}`] }, { ids: [`copy:${path}`] }],
  'settings.diagnostics': ({ name }) => [{ versions: { x: name } }],
  'settings.licences': ({ path }) => [{ path }],
  'calibration.list': ({ path }) => [{ path }],
  'calibration.get': ({ name }) => [{ name }],
  'calibration.samples': ({ name }) => [{ name }],
  'calibration.inspect': ({ path }) => [{ file: path }],
  'calibration.import': ({ path }) => [{ file: path, name: 'taken' }],
  'calibration.preview': ({ path, name }) => [
    { ...preview, model: path },
    { ...preview, name, model: sampleModel }
  ],
  'calibration.holdOut': ({ name }) => [{ name }],
  'calibration.delete': ({ name }) => [{ names: [name] }],
  'compare.runs': ({ id }) => [{ ids: [id] }],
  'compare.paired': ({ id }) => [
    { baseline: `${id}/x`, ids: [RUN] },
    { baseline: `${RUN}/${VARIANT}`, ids: [id] }
  ],
  'compare.layers': ({ id }) => [{ ids: [id] }],
  'compare.curves': ({ id, name }) => [
    { rows: [`${id}/x`], layer: null },
    { rows: [`${RUN}/${VARIANT}`], layer: name }
  ],
  'compare.report': ({ id }) => [{ rows: [id] }, { rows: [`${id}/${VARIANT}`] }],
  'sweeps.list': ({ path }) => [{ path }],
  'sweeps.get': ({ id }) => [{ id }],
  'sweeps.start': ({ path, id }) => [
    { recipe: recipe(path, path), name: 'x', seeds: 1, each: false },
    { recipe: sound, name: 'x', seeds: 1, each: false, out: path },
    { recipe: sound, name: 'x', seeds: 1, each: false, project: id }
  ],
  'sweeps.resume': ({ id }) => [{ id }],
  'sweeps.stop': ({ id }) => [{ id }],
  'sweeps.report': ({ id }) => [{ id }],
  'sweeps.rename': ({ id, name }) => [{ id, name }],
  'sweeps.previewDeletion': ({ id }) => [{ id }],
  'sweeps.delete': ({ id }) => [{ id }],
  'deletions.list': ({ path }) => [{ path }],
  'deletions.undo': ({ id }) => [{ id }]
}

test('every call of the contract has a case, and a line in docs/security.md', () => {
  expect(Object.keys(CASES).sort()).toEqual(Object.keys(WORKBENCH_CALLS).sort())
  const text = readFileSync('docs/security.md', 'utf8')
  expect(Object.keys(CONTRACT).filter((name) => !text.includes(`\`${name}\``))).toEqual([])
})

/** In every file outside; whoever read one shows it. */
const SECRET = 'secret-4c1f'
const LONG_AGO_S = 1

/** What lies outside of every grant, below one folder: files of each kind that Quail reads. */
function outside(root: string): readonly string[] {
  const folder = join(root, 'outside')
  const model = join(folder, 'model')
  cpSync(sampleModel, model, { recursive: true })
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'))
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, model_type: SECRET }))
  writeFileSync(join(folder, 'secret.txt'), SECRET.repeat(100))
  writeFileSync(join(folder, 'rows.jsonl'), `${JSON.stringify({ text: SECRET })}\n`)
  writeFileSync(join(folder, 'recipe.yaml'), `# ${SECRET}\n${JSON.stringify({ ...(sound as object), name: SECRET })}`)
  writeFileSync(join(folder, 'run.quailrun'), SECRET)
  mkdirSync(join(folder, 'adapter'))
  writeFileSync(join(folder, 'adapter', 'adapter_config.json'), JSON.stringify({ peft_type: SECRET }))
  return [folder, ...filesBelow(folder)]
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))

/** Name, size, time of change and content of everything below; directories by name. */
const stateOf = (folder: string): string[] =>
  filesBelow(folder)
    .sort()
    .map((path) => {
      const found = statSync(path)
      return found.isDirectory() ? path : `${path} ${found.size} ${found.mtimeMs} ${sha256(readFileSync(path))}`
    })

const filesOf = (paths: readonly string[]): readonly string[] => paths.filter((path) => statSync(path).isFile())

/** Puts the time of reading so far back that the next reading changes it, whatever the disk is mounted with. */
function forgetReads(paths: readonly string[]): void {
  for (const path of filesOf(paths)) utimesSync(path, LONG_AGO_S, statSync(path).mtime)
}

const wasRead = (path: string): boolean => statSync(path).atimeMs !== LONG_AGO_S * 1000

/** Whether a hostile value is in an input; another case of the call is for another field. */
const holds = (input: unknown, value: string): boolean =>
  JSON.stringify(input).includes(JSON.stringify(value).slice(1, -1))

const IDS = [
  '..',
  '.',
  '../../outside',
  '/etc',
  'a/../../../outside',
  '__proto__',
  "x' or '1' = '1",
  '%2e%2e',
  '',
  'x'.repeat(300)
]

describe('a page that foreign code has taken over', () => {
  let root: string
  let workbench: TestWorkbench
  let secrets: readonly string[]
  /** A file or folder for each purpose, granted for that alone. */
  let granted: readonly NamedPath[]

  async function prepare(): Promise<void> {
    root = temporaryHome()
    const services = await temporaryServices(join(root, 'home'))
    await completeRun(services, RUN)
    const { recipe: own } = runRecord(FOREIGN)
    // As one that came in a bundle, whose recipe names what it likes.
    await completeRun(services, FOREIGN, { recipe: { ...own, model: join(root, 'outside', 'model') } })
    await closeStore(services.store)
    secrets = outside(root)
    workbench = openWorkbench(services.home)
    granted = (Object.keys(PURPOSES) as Purpose[]).map((purpose) => ({ path: join(root, 'granted', purpose), purpose }))
    for (const { path, purpose } of granted) {
      cpSync(join(root, 'outside'), path, { recursive: true })
      await workbench.grant([path], purpose)
    }
    await workbench.call('queue.hold', { held: true })
  }

  /** Ways to what was not granted for a purpose. */
  const hostilePaths = (): string[] => [
    ...secrets,
    ...granted.map(({ path }) => `${path}/../../outside/secret.txt`),
    `${granted[0]?.path}/../../outside/model`,
    `${granted[0]?.path}x`,
    join(root, 'home'),
    join(root, 'home', 'quail.db'),
    '/',
    '/etc/passwd',
    'outside/secret.txt',
    '../outside/secret.txt',
    `${root}/outside/secret.txt\0.txt`,
    '~/secret.txt'
  ]

  /** As main does: what the schema refuses never reaches the workbench. */
  async function call(name: WorkbenchCallName, input: unknown): Promise<unknown> {
    const parsed = WORKBENCH_CALLS[name].input.safeParse(input)
    if (!parsed.success) return 'refused'
    return workbench.call(name, parsed.data as never).catch((error: Error) => `refused: ${error.message}`)
  }

  const pathsIn = (name: WorkbenchCallName, input: unknown): readonly NamedPath[] =>
    (WORKBENCH_CALLS[name] as { paths?: (input: unknown) => readonly NamedPath[] }).paths?.(input) ?? []

  test('reads nothing outside of its grants and writes nothing there', { timeout: 120_000 }, async () => {
    await prepare()
    const [control] = filesOf(secrets)
    forgetReads(secrets)
    readFileSync(control as string)
    expect(wasRead(control as string), 'a file system that keeps no times of reading shows nothing').toBe(true)
    const before = [stateOf(join(root, 'outside')), stateOf(join(root, 'granted'))]
    forgetReads(secrets)
    const answers: string[] = []
    for (const name of Object.keys(CASES) as WorkbenchCallName[]) {
      for (const path of hostilePaths()) {
        const inputs = CASES[name]({ path, id: 'x', name: 'x' }).filter((input) => holds(input, path))
        for (const input of inputs) answers.push(JSON.stringify([name, path, await call(name, input)]))
      }
      for (const id of IDS) {
        const inputs = CASES[name]({ path: NOWHERE, id, name: id }).filter((input) => holds(input, id))
        for (const input of inputs) answers.push(JSON.stringify([name, id, await call(name, input)]))
      }
    }
    const foreign = { run: FOREIGN, variant: VARIANT }
    expect(await call('exports.verify', foreign)).toMatch(/model was not chosen/)
    const out = join(root, 'granted', 'writeFolder', 'new')
    expect(await call('exports.base', { ...foreign, out })).toMatch(/model was not chosen/)
    expect(filesOf(secrets).filter(wasRead)).toEqual([])
    expect(answers.filter((answer) => answer.includes(SECRET))).toEqual([])
    expect([stateOf(join(root, 'outside')), stateOf(join(root, 'granted'))]).toEqual(before)
    expect(readdirSync(root).sort()).toEqual(['granted', 'home', 'outside'])
    expect(existsSync(NOWHERE)).toBe(false)
    expect((await workbench.call('store.state', {})).problem).toBe(null)
    expect((await workbench.call('runs.list', {})).map(({ id }) => id)).toContain(RUN)
  })

  test('gets no path by a grant for another purpose', { timeout: 120_000 }, async () => {
    await prepare()
    const accepted: string[] = []
    for (const name of Object.keys(CASES) as WorkbenchCallName[]) {
      for (const { path, purpose } of granted) {
        for (const input of CASES[name]({ path, id: 'x', name: 'x' })) {
          const parsed = WORKBENCH_CALLS[name].input.safeParse(input)
          const named = parsed.success ? pathsIn(name, parsed.data).filter((one) => one.path === path) : []
          if (named.length === 0 || named.some((one) => SERVES[one.purpose].includes(purpose))) continue
          const answer = String(await call(name, input))
          if (!answer.includes('was not chosen')) accepted.push(`${name} ${purpose}: ${answer}`)
        }
      }
    }
    expect(accepted).toEqual([])
  })

  test('writes neither into a checkpoint nor into Quail’s own folder, whatever was granted', async () => {
    await prepare()
    const model = join(root, 'outside', 'model')
    const home = join(root, 'home')
    const places = [join(model, 'config.json'), join(model, 'new'), join(home, 'quail.db'), join(home, 'new')]
    for (const purpose of ['writeRecipe', 'writeBundle', 'writeFolder'] as const) await workbench.grant(places, purpose)
    const before = [stateOf(model), readdirSync(home).sort()]
    for (const path of places) {
      for (const name of ['recipes.save', 'exports.bundle', 'exports.copy', 'exports.base', 'queue.enqueue'] as const) {
        for (const input of CASES[name]({ path, id: 'x', name: 'x' })) {
          if (!pathsIn(name, input).some((one) => one.path === path && one.purpose.startsWith('write'))) continue
          expect(String(await call(name, input))).toMatch(/which is never written/)
        }
      }
    }
    expect([stateOf(model), readdirSync(home).sort()]).toEqual(before)
  })

  test('replaces nothing but what was written for the same purpose', async () => {
    await prepare()
    const mine = join(root, 'mine.txt')
    writeFileSync(mine, 'mine')
    const folder = join(root, 'folder')
    mkdirSync(folder)
    writeFileSync(join(folder, 'adapter_config.json'), '{}')
    await workbench.grant([mine], 'writeRecipe')
    await workbench.grant([mine], 'writeBundle')
    await workbench.grant([folder], 'writeFolder')
    expect(await call('recipes.save', { recipe: sound, path: mine })).toMatch(/holds no recipe/)
    expect(await call('exports.bundle', { run: RUN, out: mine })).toMatch(/is no run bundle/)
    expect(await call('exports.copy', { run: RUN, variant: VARIANT, to: folder, replace: true })).toMatch(
      /something else/
    )
    expect(readFileSync(mine, 'utf8')).toBe('mine')
    expect(readdirSync(folder)).toEqual(['adapter_config.json'])
  })
})

/** Which grants serve which purpose, said a second time, so that a wider one is noticed. */
const SERVES: Readonly<Record<Purpose, readonly Purpose[]>> = {
  readModel: ['readModel'],
  readText: ['readText'],
  readRecipe: ['readRecipe'],
  readBundle: ['readBundle'],
  readAdapter: ['readAdapter', 'writeFolder'],
  recognize: ['recognize', 'readRecipe', 'readText'],
  writeRecipe: ['writeRecipe'],
  writeBundle: ['writeBundle'],
  writeFile: ['writeFile'],
  writeFolder: ['writeFolder'],
  reveal: Object.keys(PURPOSES) as Purpose[]
}
