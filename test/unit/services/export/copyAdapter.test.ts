import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { copyAdapter, whatLiesAt } from '../../../../src/services/export/copyAdapter'
import { readText, WEIGHTS, writeAdapter } from '../../../helpers/bundles'
import { sha256, temporaryHome } from '../../../helpers/stores'

const resources = resolve(import.meta.dirname, '../../../../resources')
const FILES = ['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'check_fingerprint.py', 'quail.json']

function place() {
  const root = temporaryHome()
  const model = join(root, 'model')
  mkdirSync(model)
  const from = writeAdapter(join(root, 'run', 'svd-r8'))
  return { root, request: { from, model, resources, to: join(root, 'chosen', 'adapter') } }
}

describe('an adapter is copied', () => {
  test('with its proof and the fingerprint check, and the copy is read back', async () => {
    const { request } = place()
    const copied = await copyAdapter({ ...request, expectedSha256: sha256(WEIGHTS) })
    expect(readdirSync(request.to).sort()).toEqual(FILES)
    expect(copied).toMatchObject({ path: request.to, sha256: sha256(WEIGHTS) })
    expect([...copied.files].sort()).toEqual(FILES)
    expect(readText(request.to, 'check_fingerprint.py')).toBe(readText(resources, 'check_fingerprint.py'))
    expect(copied.bytes).toBe(FILES.reduce((sum, name) => sum + readFileSync(join(request.to, name)).length, 0))
  })

  test('never over another one unless that is asked for', async () => {
    const { request } = place()
    writeAdapter(request.to, { r: 4 })
    await expect(copyAdapter(request)).rejects.toThrow(`${request.to} already holds an adapter`)
    expect(readText(request.to, 'adapter_config.json')).toContain('"r":4')

    await copyAdapter({ ...request, replace: true })
    expect(readText(request.to, 'adapter_config.json')).toContain('"r":8')
    expect(readdirSync(join(request.to, '..'))).toEqual(['adapter'])
  })

  test('never over anything else, asked for or not', async () => {
    const { request } = place()
    writeAdapter(request.to)
    writeFileSync(join(request.to, 'trained.safetensors'), 'weeks of work')
    expect(await whatLiesAt(request.to)).toBe('other')
    await expect(copyAdapter({ ...request, replace: true })).rejects.toThrow('something else than an adapter')
    expect(readText(request.to, 'trained.safetensors')).toBe('weeks of work')
  })

  test('never into the checkpoint or into itself, by whatever link', async () => {
    const { root, request } = place()
    symlinkSync(request.model, join(root, 'link'))
    await expect(copyAdapter({ ...request, to: join(root, 'link', 'adapter') })).rejects.toThrow("model's directory")
    await expect(copyAdapter({ ...request, to: join(request.from, 'copy') })).rejects.toThrow("adapter's own directory")
  })

  test('only while it is what its run wrote', async () => {
    const { request } = place()
    const expectedSha256 = sha256('other weights')
    await expect(copyAdapter({ ...request, expectedSha256 })).rejects.toThrow('is not what the run wrote')
    expect(await whatLiesAt(request.to)).toBe('nothing')
  })

  test('wholly or not at all', async () => {
    const { request } = place()
    const broken = { ...request, resources: join(request.model, 'nowhere') }
    await expect(copyAdapter(broken)).rejects.toThrow()
    expect(readdirSync(join(request.to, '..'))).toEqual([])
    writeAdapter(request.to, { r: 4 })
    await expect(copyAdapter({ ...broken, replace: true })).rejects.toThrow()
    expect(readText(request.to, 'adapter_config.json')).toContain('"r":4')
    expect(readdirSync(join(request.to, '..'))).toEqual(['adapter'])
  })
})
