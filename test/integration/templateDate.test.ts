import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'

const work = new Workplace()
const zone = process.env.TZ

afterAll(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

function writeInputs(): void {
  mkdirSync(work.path('model'))
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(narrowModel, name), work.path('model', name))
  symlinkSync(join(narrowModel, 'model.safetensors'), work.path('model', 'model.safetensors'))
  writeFileSync(
    work.path('model', 'chat_template.jinja'),
    "{{ strftime_now('%d %b %Y %H:%M') }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
  )
  const turns = [
    { role: 'user', content: 'Where is the whale?' },
    { role: 'assistant', content: 'Below the ship.' }
  ]
  writeFileSync(work.path('whales.jsonl'), `${JSON.stringify({ messages: turns })}\n`.repeat(4))
}

/** Makes an adapter; returns the digest of its weights. */
async function adapter(out: string, ...options: string[]): Promise<string> {
  const texts = ['--calibration', 'set:whales', '--policy', 'padded', '--context', '32', '--calibration-rows', '4']
  const method = ['--method', 'svd', '--rank', '2']
  const { code, stderr } = await work.quail(
    ...['init-lora', '--model', work.path('model'), ...texts, ...method, ...options, '--out', out]
  )
  expect([code, stderr]).toEqual([0, expect.stringContaining('rendered as of')])
  return createHash('sha256')
    .update(readFileSync(work.path(out, 'quail.json')))
    .digest('hex')
}

it('tools beside the turns reach the template, and columns that are not used are named', async () => {
  writeFileSync(
    work.path('tools.jsonl'),
    '{"id":1,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"find"}]}\n'
  )
  const { code, stderr } = await work.quail('calibration', 'import', 'tools.jsonl')
  expect([code, stderr]).toEqual([0, expect.stringContaining('columns that are not used: id')])
  const { stdout } = await work.quail('calibration', 'show', 'tools')
  expect(stdout).toContain('sample 1: {"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"find"}]}')
})

it('a day gives the same bytes in every time zone, and a run notes its own', async () => {
  writeInputs()
  expect((await work.quail('calibration', 'import', 'whales.jsonl')).code).toBe(0)
  process.env.TZ = 'Etc/GMT+12'
  const west = await adapter('west', '--template-date', '2026-11-27')
  process.env.TZ = 'Pacific/Kiritimati' // 26 hours ahead: at no moment the same day
  expect(await adapter('east', '--template-date', '2026-11-27')).toBe(west)
  const today = await adapter('today')
  expect(today).not.toBe(west)
  const records = readdirSync(work.path('home', 'runs')).map((id) =>
    JSON.parse(readFileSync(work.path('home', 'runs', id, 'run.json'), 'utf8'))
  )
  const days = records.map(({ recipe }): string => recipe.templateDate)
  expect(days.filter((day) => day === '2026-11-27')).toHaveLength(2)
  const [own] = days.filter((day) => day !== '2026-11-27')
  expect(own).toMatch(/^\d{4}-\d\d-\d\d$/)
  process.env.TZ = 'Etc/GMT+12'
  expect(await adapter('again', '--template-date', own as string)).toBe(today)
})
