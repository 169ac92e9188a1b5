import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Workplace } from '../helpers/commandLine'
import { sampleModel, sampleText } from '../helpers/paths'

const work = new Workplace()
const paragraphs = readFileSync(sampleText('moby-evaluation.txt'), 'utf8').slice(0, 60_000)
writeFileSync(work.path('moby notes.txt'), paragraphs)
writeFileSync(work.path('rows.jsonl'), '{"text":"good one"}\noops\n{"body":1}\n{"text":"good two"}\n')

interface Listed {
  name: string
  sampleCount: number
  policy: string
}

describe('calibration sets', () => {
  it('are imported whole, by paragraphs or by lines', async () => {
    const whole = await work.json<Listed>('calibration', 'import', 'moby notes.txt', '--json')
    expect(whole).toMatchObject({ name: 'moby-notes', sampleCount: 1, policy: 'packed', badRows: [] })
    const cut = await work.json<Listed>(
      ...['calibration', 'import', 'moby notes.txt', '--split', 'line', '--name', 'lines', '--json']
    )
    expect(cut.sampleCount).toBe(paragraphs.split('\n').filter((line) => line.trim() !== '').length)
    expect(cut.policy).toBe('padded')
  })

  it('are imported from JSON lines with a report of the rows that were left out', async () => {
    const { code, stdout, stderr } = await work.quail('calibration', 'import', 'rows.jsonl')
    expect(code).toBe(0)
    expect(stdout).toContain('stored rows: 2 samples')
    expect(stderr).toContain('row 2 left out: not JSON')
    expect(stderr).toContain('row 3 left out: no "text"; its keys are body')
  })

  it('are not imported from a table of which several columns fail at once: that is said in one sentence', async () => {
    const bytes = readFileSync('test/fixtures/samples/typed.parquet')
    bytes[865] = 0 // in a page of one column
    bytes[3849] = 0xff // in the name of another
    writeFileSync(work.path('damaged.parquet'), bytes)
    const { code, stderr } = await work.quail('calibration', 'import', 'damaged.parquet')
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^quail: .*damaged\.parquet: row group 2, column "messages" cannot be read: [^\n]+\n$/)
    ])
  })

  it('are parted for calibration and evaluation', async () => {
    const { stdout } = await work.quail('calibration', 'split', 'lines', '--share', '0.2', '--seed', '3')
    expect(stdout).toContain('Use them with --calibration set:lines-calibration --evaluation set:lines-evaluation')
    const sets = await work.json<Listed[]>('calibration', 'list', '--json')
    const count = (name: string) => sets.find((set) => set.name === name)?.sampleCount ?? 0
    expect(count('lines-evaluation')).toBe(Math.round(0.2 * count('lines')))
    expect(count('lines-calibration') + count('lines-evaluation')).toBe(count('lines'))
    await work.quail('calibration', 'delete', 'lines-calibration', 'lines-evaluation')
    const { code, stderr } = await work.quail('calibration', 'split', 'lines', '--share', '10')
    expect([code, stderr]).toEqual([2, expect.stringContaining('--share is 10; a number between 0 and 1')])
  })

  it('are not replaced by another of the same name', async () => {
    const { code, stderr } = await work.quail('calibration', 'import', 'rows.jsonl')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/already a calibration set named "rows"/)])
  })

  it('are listed and shown with their provenance', async () => {
    const sets = await work.json<Listed[]>('calibration', 'list', '--json')
    expect(sets.map(({ name }) => name)).toEqual(['lines', 'moby-notes', 'rows'])
    const { stdout } = await work.quail('calibration', 'show', 'rows')
    expect(stdout).toContain(work.path('rows.jsonl'))
    expect(stdout).toContain('sample 2: good two')
  })

  it('serve a run, which keeps its own copy when the set is deleted', async () => {
    const args = [
      '--model',
      sampleModel,
      '--calibration',
      'set:moby-notes',
      '--context',
      '32',
      '--calibration-rows',
      '4'
    ]
    const run = await work.quail('init-lora', ...args, '--rank', '2', '--method', 'svd', '--out', 'adapter', '--json')
    expect(run.code).toBe(0)
    expect((await work.quail('calibration', 'delete', 'moby-notes')).code).toBe(0)
    const [id] = readdirSync(join(work.home, 'runs'))
    const copy = readFileSync(join(work.home, 'runs', `${id}`, 'inputs', 'moby-notes.jsonl'), 'utf8')
    expect(JSON.parse(copy)).toEqual({ text: paragraphs })
    expect(existsSync(work.path('adapter', 'adapter_model.safetensors'))).toBe(true)
  })

  it('are gone after they were deleted', async () => {
    expect((await work.quail('calibration', 'delete', 'rows', 'lines')).code).toBe(0)
    expect(await work.json('calibration', 'list', '--json')).toEqual([])
    expect((await work.quail('calibration', 'delete', 'rows')).code).toBe(2)
  })
})
