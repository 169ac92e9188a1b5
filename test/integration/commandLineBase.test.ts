import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { sha256File } from '../../src/engine/formats/files'
import type { BaseExport } from '../../src/shared/baseExport'
import { Workplace } from '../helpers/commandLine'
import { sampleModel } from '../helpers/paths'

const work = new Workplace()

it('export-base writes a checkpoint, writes over nothing and never into the model', async () => {
  const small = ['--max-shard-size', '1MB']
  const written = await work.json<BaseExport>(
    'export-base',
    '--model',
    sampleModel,
    '--out',
    'base',
    ...small,
    '--json'
  )
  expect(written).toMatchObject({ path: work.path('base'), linears: 28, parameters: 3_819_776, notes: [] })
  expect(written.otherFiles).toEqual([
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json'
  ])
  for (const { name, sha256 } of written.weightFiles) expect(await sha256File(work.path('base', name))).toBe(sha256)

  const again = await work.quail('export-base', '--model', sampleModel, '--out', 'base')
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('base is not empty')])

  const inside = await work.quail('export-base', '--model', 'base', '--out', 'base/quantized')
  expect([inside.code, inside.stderr]).toEqual([2, expect.stringContaining('which is never written')])
})

it('export-base refuses what is no checkpoint, and leaves nothing behind', async () => {
  mkdirSync(work.path('empty'))
  writeFileSync(work.path('empty', 'config.json'), '{}')
  const before = readdirSync(work.directory)
  const { code, stderr } = await work.quail('export-base', '--model', 'empty', '--out', 'other')
  expect([code, stderr]).toEqual([2, expect.stringContaining('holds no weights')])
  expect(readdirSync(work.directory)).toEqual(before)
})
