import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { modelId } from '../../../src/services/modelDiscovery/discoverModels'
import { changePreferences, readPreferences } from '../../../src/services/preferences'
import type { WindowEvent } from '../../../src/shared/contract/events'
import { forPurpose } from '../../../src/shared/contract/purposes'
import { listModels } from '../../../src/store/models'
import { deviceHandlers } from '../../../src/workbench/devices'
import { Grants } from '../../../src/workbench/grants'
import { modelHandlers } from '../../../src/workbench/models'
import { directEngine } from '../../helpers/directEngine'
import { writeHubModel } from '../../helpers/hubCaches'
import { sampleModel } from '../../helpers/paths'
import { temporaryHome, temporaryStore } from '../../helpers/stores'

const scope = { signal: new AbortController().signal, progress: () => {} }

async function bench() {
  const home = temporaryHome()
  const cache = join(home, 'hub')
  mkdirSync(cache)
  vi.stubEnv('HF_HUB_CACHE', cache)
  vi.stubEnv('HF_HOME', join(home, 'none'))
  vi.stubEnv('HOME', home)
  const events: WindowEvent['type'][] = []
  const context = {
    services: { home, version: 'test', engine: directEngine, store: await temporaryStore(home) },
    installation: { home, version: 'test', workerUrl: 'file:///none', resources: resolve('resources') },
    grants: new Grants(),
    emit: ({ type }: WindowEvent) => events.push(type)
  }
  return {
    home,
    cache,
    events,
    context,
    models: modelHandlers(context),
    devices: (running: string | null) => deviceHandlers({ ...context, queue: { running } })
  }
}

describe('the models of the window', () => {
  it('are found without being asked for, and may then be named', async () => {
    const { cache, models, context } = await bench()
    const directory = writeHubModel(cache, { repository: 'models--a--b', revision: 'r', files: sampleModel })
    await expect(context.grants.check(forPurpose('readModel', ['/etc/passwd']))).rejects.toThrow(
      'was not chosen in a dialog'
    )
    await context.grants.check(forPurpose('readModel', [join(directory, 'config.json')]))
    expect((await models['models.list']({}, scope)).models.map(({ name }) => name)).toEqual(['Sample model', 'b'])
  })

  it('are searched for again when that is asked', async () => {
    const { cache, models, events } = await bench()
    const names = async () => (await models['models.list']({}, scope)).models.map(({ name }) => name)
    expect(await names()).toEqual(['Sample model'])
    writeHubModel(cache, { repository: 'models--a--late', revision: 'r', files: sampleModel })
    expect(await names()).toEqual(['Sample model'])
    await models['models.scan']({}, scope)
    expect(await names()).toEqual(['Sample model', 'late'])
    expect(events).toEqual(['models.changed'])
  })

  it('are inspected by their id, also when they cannot be read', async () => {
    const { cache, models } = await bench()
    const files = { 'config.json': '{"model_type":"llama"}', 'model.safetensors': 'short' }
    const broken = writeHubModel(cache, { repository: 'models--a--broken', revision: 'r', files })
    const good = await models['models.get']({ id: modelId(sampleModel) }, scope)
    expect(good.inspection?.model?.linears).toHaveLength(28)
    expect(good.failure).toBeNull()
    expect(await models['models.get']({ id: modelId(broken) }, scope)).toMatchObject({
      model: { name: 'broken', status: 'unsupported' },
      inspection: null,
      failure: expect.stringContaining('has 5 bytes')
    })
    await expect(models['models.get']({ id: '0'.repeat(16) }, scope)).rejects.toThrow('not in the list any more')
  })

  it('are added by folder and taken out again, and nothing on the disk changes', async () => {
    const { home, models, context, events } = await bench()
    const folder = join(home, 'shelf')
    mkdirSync(folder)
    symlinkSync(sampleModel, join(folder, 'tiny'))
    expect(await models['models.add']({ folder }, scope)).toEqual({ ids: [modelId(join(folder, 'tiny'))], folder })
    const found = async () => (await models['models.list']({}, scope)).models.map(({ name }) => name)
    expect(await found()).toEqual(['Sample model', 'tiny'])
    await models['models.remove']({ folder }, scope)
    expect(await found()).toEqual(['Sample model'])
    expect((await listModels(context.services.store)).map(({ addedAtMs }) => addedAtMs)).toEqual([null])
    expect(events).toEqual(['models.changed', 'models.changed'])
  })

  it('of folders that the settings name are taken out by the same call', async () => {
    const { home, models, context, events } = await bench()
    const folder = join(home, 'shelf')
    mkdirSync(folder)
    symlinkSync(sampleModel, join(folder, 'tiny'))
    await changePreferences(context.services.store, { modelFolders: [folder] })
    const found = async () => (await models['models.list']({}, scope)).models.map(({ name }) => name)
    expect(await found()).toEqual(['Sample model', 'tiny'])
    await models['models.remove']({ folder }, scope)
    expect(await found()).toEqual(['Sample model'])
    expect((await readPreferences(context.services.store)).modelFolders).toEqual([])
    expect(events).toEqual(['settings.changed', 'models.changed'])
  })

  it('are not added from what holds none', async () => {
    const { home, models, context } = await bench()
    const add = (folder: string) => models['models.add']({ folder }, scope)
    writeFileSync(join(home, 'config.json'), '{}')
    mkdirSync(join(home, 'empty'))
    await expect(add(join(home, 'gone'))).rejects.toThrow('does not exist')
    await expect(add(join(home, 'config.json'))).rejects.toThrow('is a file; the folder that holds the checkpoint')
    await expect(add(join(home, 'empty'))).rejects.toThrow('no checkpoint is in')
    expect(await listModels(context.services.store)).toEqual([])
  })
})

describe('the devices of the window', () => {
  it('keep their last measurement', async () => {
    const { events, ...made } = await bench()
    const devices = made.devices(null)
    const speed = await devices['devices.measure']({ device: 'cpu' }, scope)
    expect(speed.gflops).toBeGreaterThan(0.1)
    const [processor, webgpu, cuda] = await devices['devices.list']({}, scope)
    expect(processor).toMatchObject({ name: 'cpu', usedByRuns: true, speed })
    expect(webgpu).toMatchObject({ name: 'webgpu', usedByRuns: true })
    expect(cuda).toMatchObject({ name: 'cuda', usedByRuns: true, speed: null })
    expect(events).toEqual(['settings.changed'])
  })

  it('are not measured while a run computes', async () => {
    const devices = (await bench()).devices('20261125-1900-demo-abcd')
    await expect(devices['devices.measure']({ device: 'cpu' }, scope)).rejects.toThrow('demo-abcd computes now')
  })
})
