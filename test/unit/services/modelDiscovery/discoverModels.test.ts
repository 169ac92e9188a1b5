import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../../src/engine/worker/pool'
import { type DiscoveryRequest, discoverModels, modelId } from '../../../../src/services/modelDiscovery/discoverModels'
import { SCAN_LIMITS } from '../../../../src/services/modelDiscovery/scanBudget'
import type { Discovery } from '../../../../src/shared/models'
import { copyCheckpoint, familyDirectory } from '../../../helpers/checkpoints'
import { directEngine } from '../../../helpers/directEngine'
import { snapshotOf, writeHubModel } from '../../../helpers/hubCaches'
import { sampleModel } from '../../../helpers/paths'
import { temporaryHome } from '../../../helpers/stores'

const resources = resolve('resources')

const discover = (request: Partial<DiscoveryRequest> & { home: string }): Promise<Discovery> =>
  discoverModels({
    engine: directEngine,
    env: {},
    userHome: request.home,
    folders: [],
    resources,
    signal: new AbortController().signal,
    ...request
  })

/** The models beside the sample. */
const others = ({ models }: Discovery) => models.filter(({ source }) => source !== 'sample')

const cacheIn = (home: string): string => {
  const cache = join(home, '.cache', 'huggingface', 'hub')
  mkdirSync(cache, { recursive: true })
  return cache
}

describe('discovering models', () => {
  it('lists the sample, which is ready', async () => {
    const { models } = await discover({ home: temporaryHome() })
    expect(models).toEqual([
      expect.objectContaining({
        name: 'Sample model',
        source: 'sample',
        directory: sampleModel,
        id: modelId(sampleModel),
        status: 'ready',
        family: 'llama',
        dtypes: ['BF16'],
        chatTemplate: false,
        parameters: 3_819_776
      })
    ])
  })

  it.each([
    ['with links', true],
    ['without links', false]
  ])('finds a model of a cache %s', async (_, links) => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    const directory = writeHubModel(cache, {
      repository: 'models--acme--tiny--llama',
      revision: 'a'.repeat(40),
      files: sampleModel,
      links
    })
    const before = snapshotOf(cache)
    const discovery = await discover({ home })
    expect(others(discovery)).toEqual([
      expect.objectContaining({
        directory,
        organisation: 'acme',
        name: 'tiny--llama',
        source: 'cache',
        foundIn: cache,
        refs: ['main'],
        revision: 'a'.repeat(40),
        status: 'ready',
        problems: []
      })
    ])
    expect(discovery.places).toContainEqual({ path: cache, source: 'cache', models: 1, onlyHere: 1, problem: null })
    expect(snapshotOf(cache)).toEqual(before)
  })

  it('looks in every cache that the environment names, and in each once', async () => {
    const home = temporaryHome()
    const model = { revision: 'b', files: sampleModel }
    for (const name of ['hub', 'home/hub']) mkdirSync(join(home, name), { recursive: true })
    writeHubModel(join(home, 'hub'), { repository: 'models--one', ...model })
    writeHubModel(join(home, 'home', 'hub'), { repository: 'models--org--two', ...model })
    writeHubModel(cacheIn(home), { repository: 'models--org--three', ...model })
    symlinkSync(join(home, 'hub'), join(home, 'again'))
    const env = {
      HF_HUB_CACHE: join(home, 'hub'),
      HUGGINGFACE_HUB_CACHE: join(home, 'again'),
      HF_HOME: '~/home'.replace('~', home)
    }
    const found = others(await discover({ home, env }))
    expect(found.map(({ organisation, name }) => [organisation, name])).toEqual([
      [null, 'one'],
      ['org', 'two'],
      ['org', 'three']
    ])
  })

  it('puts the snapshot first that refs/main names', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    const model = { repository: 'models--org--name', files: sampleModel }
    writeHubModel(cache, { ...model, revision: 'old', refs: ['main'] })
    writeHubModel(cache, { ...model, revision: 'new', refs: ['dev'] })
    const found = others(await discover({ home }))
    expect(found.map(({ revision, refs }) => [revision, refs])).toEqual([
      ['old', ['main']],
      ['new', ['dev']]
    ])
  })

  it('names downloads that did not finish, whichever way they show', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    const config = '{"model_type":"llama"}'
    writeHubModel(cache, { repository: 'models--a--dangling', revision: 'r', files: { 'config.json': undefined } })
    writeHubModel(cache, {
      repository: 'models--b--partial',
      revision: 'r',
      files: { 'config.json': config },
      partial: 2
    })
    mkdirSync(join(cache, 'models--c--nothing', 'blobs'), { recursive: true })
    writeFileSync(join(cache, 'models--c--nothing', 'blobs', 'x.incomplete'), '')
    const sharded = copyCheckpoint(familyDirectory('llama'), undefined, 3)
    rmSync(join(sharded, 'model-00002-of-00003.safetensors'))
    writeHubModel(cache, { repository: 'models--d--shard', revision: 'r', files: sharded })
    const found = others(await discover({ home }))
    expect(found.map(({ name, status, problems }) => [name, status, problems[0]])).toEqual([
      ['dangling', 'incomplete', 'the download is not complete: the content of config.json is not in the cache'],
      ['partial', 'incomplete', 'the download did not finish: 2 files are partly there, and no weights'],
      ['nothing', 'incomplete', 'the download did not finish: 1 file is partly there, and no snapshot'],
      ['shard', 'incomplete', expect.stringContaining('missing: model-00002-of-00003.safetensors')]
    ])
    expect(found[1]?.family).toBe('llama')
    rmSync(sharded, { recursive: true })
  })

  it('finds checkpoints in added folders, some levels down, and never runs in circles', async () => {
    const home = temporaryHome()
    const shelf = join(home, 'shelf')
    mkdirSync(join(shelf, 'org', 'deep', 'deeper', 'deepest'), { recursive: true })
    symlinkSync(sampleModel, join(shelf, 'org', 'tiny'))
    symlinkSync(shelf, join(shelf, 'org', 'circle'))
    symlinkSync(sampleModel, join(shelf, 'org', 'deep', 'deeper', 'deepest', 'too-deep'))
    const found = others(await discover({ home, folders: [shelf] }))
    expect(found).toEqual([
      expect.objectContaining({ name: 'tiny', source: 'folder', foundIn: shelf, status: 'ready' })
    ])
  })

  it('reads an added folder that is a cache, a model of one, or a snapshot, and lists each once', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    const model = { repository: 'models--org--name', files: sampleModel }
    const snapshot = writeHubModel(cache, { ...model, revision: 'c0ffee' })
    for (const folder of [cache, join(cache, 'models--org--name'), snapshot]) {
      const found = others(await discover({ home, folders: [folder] }))
      expect(found).toEqual([
        expect.objectContaining({
          directory: snapshot,
          name: 'name',
          source: 'folder',
          foundIn: folder,
          refs: ['main']
        })
      ])
    }
  })

  it('counts in every place what lies there, and what is found nowhere else', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    writeHubModel(cache, { repository: 'models--org--name', revision: 'c', files: sampleModel })
    const gone = join(home, 'gone')
    const { places } = await discover({ home, folders: [sampleModel, cache, gone] })
    const counts = places.map(({ source, models, onlyHere }) => [source, models, onlyHere])
    expect(counts).toEqual([
      ['sample', 1, 0],
      ['folder', 1, 0],
      ['folder', 1, 0],
      ['folder', 0, 0],
      ['cache', 1, 0]
    ])
    const alone = await discover({ home, folders: [] })
    expect(alone.places.map(({ models, onlyHere }) => [models, onlyHere])).toEqual([
      [1, 1],
      [1, 1]
    ])
  })

  it('says of an added folder that it is gone or holds nothing', async () => {
    const home = temporaryHome()
    mkdirSync(join(home, 'empty'))
    const found = others(await discover({ home, folders: [join(home, 'gone'), join(home, 'empty')] }))
    expect(found.map(({ status, problems }) => [status, problems])).toEqual([
      ['unsupported', [`${home}/gone is not there any more`]],
      ['unsupported', [expect.stringContaining(`no checkpoint is in ${home}/empty`)]]
    ])
  })

  it('names a download into a plain folder that did not finish', async () => {
    const home = temporaryHome()
    const folder = join(home, 'tiny')
    mkdirSync(join(folder, '.cache', 'huggingface', 'download'), { recursive: true })
    writeFileSync(join(folder, 'config.json'), '{"model_type":"llama"}')
    writeFileSync(join(folder, '.cache', 'huggingface', 'download', 'x.incomplete'), '')
    expect(others(await discover({ home, folders: [folder] }))).toMatchObject([
      { status: 'incomplete', problems: ['the download did not finish: 1 file is partly there, and no weights'] }
    ])
  })

  it('goes on past hostile and unreadable entries', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    const good = { repository: 'models--z--good', revision: 'r', files: sampleModel }
    writeHubModel(cache, good)
    writeFileSync(join(cache, 'models--a--file'), 'not a directory')
    symlinkSync('/does/not/exist', join(cache, 'models--a--gone'))
    const odd = { 'config.json': '{"model_type":"llama"}', 'model.safetensors': '\xff'.repeat(64) }
    writeHubModel(cache, { repository: 'models--b--bytes', revision: 'r', files: odd })
    mkdirSync(join(cache, 'models--c--pipe', 'refs'), { recursive: true })
    execFileSync('mkfifo', [join(cache, 'models--c--pipe', 'refs', 'main')])
    mkdirSync(join(cache, 'models--c--pipe', 'snapshots', 'r'), { recursive: true })
    execFileSync('mkfifo', [join(cache, 'models--c--pipe', 'snapshots', 'r', 'config.json')])
    mkdirSync(join(cache, 'models--d--closed', 'snapshots'), { recursive: true })
    chmodSync(join(cache, 'models--d--closed', 'snapshots'), 0)
    const found = others(await discover({ home }))
    expect(found.map(({ name, status }) => [name, status])).toEqual([
      ['bytes', 'unsupported'],
      ['pipe', 'unsupported'],
      // The superuser may read what nobody may.
      ['closed', process.getuid?.() === 0 ? 'incomplete' : 'unsupported'],
      ['good', 'ready']
    ])
    for (const { name, problems } of found.filter(({ status }) => status !== 'ready')) {
      expect(problems.join(), name).not.toContain('\n')
      expect(problems.length, name).toBeGreaterThan(0)
    }
    chmodSync(join(cache, 'models--d--closed', 'snapshots'), 0o755)
  })

  it('ends with what it has when there is too much to look at', async () => {
    const home = temporaryHome()
    const cache = cacheIn(home)
    for (const name of ['a', 'b', 'c'])
      writeHubModel(cache, { repository: `models--org--${name}`, revision: 'r', files: sampleModel })
    const discovery = await discover({ home, limits: { ...SCAN_LIMITS, entries: 20 } })
    expect(others(discovery).map(({ name }) => name)).toEqual(['a'])
    expect(discovery.places.at(-1)?.problem).toMatch(/^the search ended in .* after 20 entries$/)
  })

  it('reports progress and can be cancelled', async () => {
    const home = temporaryHome()
    writeHubModel(cacheIn(home), { repository: 'models--org--name', revision: 'r', files: sampleModel })
    const controller = new AbortController()
    const labels: string[] = []
    const progress = ({ label }: { label: string }) => {
      labels.push(label)
      if (label === 'Reading name') controller.abort()
    }
    await expect(discover({ home, progress, signal: controller.signal })).rejects.toThrow('abort')
    expect(labels).toEqual([
      expect.stringContaining('Searching'),
      expect.stringContaining('Searching'),
      'Reading Sample model',
      'Reading name'
    ])
  })

  it('gives up on a checkpoint that takes too long', async () => {
    const slow = {
      call: (_: string, __: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('cancelled')))
        })
    } as unknown as Pick<Engine, 'call'>
    const { models } = await discover({
      home: temporaryHome(),
      engine: slow,
      limits: { ...SCAN_LIMITS, perModelMs: 20 }
    })
    expect(models[0]).toMatchObject({ status: 'unsupported', problems: ['reading it took longer than 0.02 s'] })
  })
})
