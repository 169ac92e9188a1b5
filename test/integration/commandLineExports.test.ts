import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { beforeAll, expect, it } from 'vitest'
import type { CompatibilityEntry, CopiedAdapter, ImportedBundle } from '../../src/shared/exports'
import { jsonLines, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'

const work = new Workplace()
let run: string

beforeAll(async () => {
  const texts = ['--calibration', sampleText('sotu-calibration.txt'), '--evaluation', sampleText('moby-evaluation.txt')]
  const small = [
    '--context',
    '64',
    '--calibration-rows',
    '8',
    '--evaluation-rows',
    '4',
    '--rank',
    '32',
    '--method',
    'svd,zero'
  ]
  const made = await work.quail('init-lora', '--model', narrowModel, ...texts, ...small, '--out', 'out', '--json')
  run = (jsonLines(made.stdout).at(-1) as { run: string }).run
})

it('export copies an adapter that verify accepts, says where it can be used, and writes over nothing unasked', async () => {
  const ambiguous = await work.quail('export', run, '--to', 'copy')
  expect([ambiguous.code, ambiguous.stderr]).toEqual([2, expect.stringContaining('give one of svd-r32, zero-r32')])

  const to = ['--variant', 'svd-r32', '--to', 'copy', '--json']
  const copied = await work.json<CopiedAdapter & { compatibility: CompatibilityEntry[] }>('export', run, ...to)
  const made = readFileSync(work.path('out', 'svd-r32', 'adapter_model.safetensors'))
  expect(readFileSync(work.path('copy', 'adapter_model.safetensors')).equals(made)).toBe(true)
  expect(copied.compatibility).toContainEqual(expect.objectContaining({ consumer: 'vLLM', verdict: 'caution' }))
  expect((await work.quail('verify', 'copy', '--model', narrowModel)).code).toBe(0)

  const again = await work.quail('export', run, ...to)
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('already holds an adapter')])
  expect((await work.quail('export', run, ...to, '--replace')).code).toBe(0)
  const unknown = await work.quail('export', run, '--variant', 'svd-r16', '--to', 'other')
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('has no variant "svd-r16"')])
})

it('bundle and import-bundle carry a run to another QUAIL_HOME, and a changed byte is refused', async () => {
  await work.json('bundle', run, '--out', 'bundles/new/run.quailrun', '--factors', '--json')
  const other = new Workplace()
  const imported = await other.json<ImportedBundle>(
    'import-bundle',
    work.path('bundles', 'new', 'run.quailrun'),
    '--json'
  )
  expect(imported).toMatchObject({ run, variants: ['svd-r32', 'zero-r32'] })
  interface Shown {
    perplexity: object
    results: { layers: object[] }[]
  }
  const [there, here] = [
    await work.json<Shown>('runs', 'show', run, '--json'),
    await other.json<Shown>('runs', 'show', run, '--json')
  ]
  expect(here.perplexity).toEqual(there.perplexity)
  expect(here.results.map(({ layers }) => layers)).toEqual(there.results.map(({ layers }) => layers))
  expect((await other.quail('verify', `${imported.out}/svd-r32`, '--model', narrowModel)).code).toBe(0)

  await other.quail('runs', 'delete', run)
  expect(existsSync(`${imported.out}/svd-r32/adapter_model.safetensors`)).toBe(true)

  const bytes = readFileSync(work.path('bundles', 'new', 'run.quailrun'))
  bytes[bytes.length - 20_000]! ^= 1
  writeFileSync(work.path('changed.quailrun'), bytes)
  const refused = await new Workplace().quail('import-bundle', work.path('changed.quailrun'))
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('is damaged')])
})

it('report makes the folders above its file, and writes over nothing unasked', async () => {
  const report = (...more: string[]) => work.quail('report', run, '--out', 'reports/new/run.html', ...more)
  expect(await report()).toMatchObject({ code: 0 })
  expect(readFileSync(work.path('reports', 'new', 'run.html'), 'utf8')).toContain(run)
  expect(await report()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('run.html exists; give another name')
  })
  expect(await report('--replace')).toMatchObject({ code: 0 })
  const below = await work.quail('report', run, '--out', 'reports/new/run.html/b.html')
  expect(below).toMatchObject({ code: 2, stderr: expect.stringContaining('run.html is a file, a folder was expected') })
})
