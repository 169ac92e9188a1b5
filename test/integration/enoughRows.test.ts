import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonLines, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { textBeginning } from '../helpers/textBeginning'

const text = textBeginning('sotu-calibration.txt')
const options = ['--model', narrowModel, '--calibration', text, '--context', '32', '--method', 'exact', '--rank', '4']

const weights = (out: string): Buffer => readFileSync(join(out, 'adapter_model.safetensors'))
const proof = (out: string) => JSON.parse(readFileSync(join(out, 'quail.json'), 'utf8'))

describe('--calibration-rows auto', () => {
  const work = new Workplace()

  it('gives the bytes of a run that was told the number, and says how it was found', async () => {
    const { code, stdout } = await work.quail(
      ...['init-lora', ...options, '--calibration-rows', 'auto:128', '--out', 'auto', '--json']
    )
    expect(code).toBe(0)
    const planned = jsonLines(stdout).find(({ type }) => type === 'planned')
    const { calibration } = proof(work.path('auto')).recipe
    expect(planned?.enoughRows).toEqual(calibration.enough)
    expect(calibration.rows).toBe(calibration.enough.rows)
    expect([32, 64, 128]).toContain(calibration.rows)
    expect(readFileSync(work.path('auto', 'README.md'), 'utf8')).toMatch(/rows, the error left on other rows fell by/)
    const told = ['init-lora', ...options, '--calibration-rows', `${calibration.rows}`, '--out', 'told']
    expect((await work.quail(...told)).code).toBe(0)
    expect(weights(work.path('auto'))).toEqual(weights(work.path('told')))
  })

  it('keeps its rows when it is killed, and gives the same bytes', async () => {
    const started = work.start(...['init-lora', ...options, '--calibration-rows', 'auto:128', '--out', 'killed'])
    await started.waitFor(/block 2 of 4/)
    started.child.kill('SIGKILL')
    await started.ended
    const [run] = await work.json<{ id: string }[]>('runs', 'list', '--json')
    expect(existsSync(join(work.home, 'runs', run?.id ?? '', 'enough.json'))).toBe(true)
    expect((await work.quail('resume', run?.id ?? '', '--quiet')).code).toBe(0)
    expect(weights(work.path('killed'))).toEqual(weights(work.path('auto')))
    expect(proof(work.path('killed'))).toEqual(proof(work.path('auto')))
  })

  it('is planned with the most that it may take', async () => {
    const plan = await work.json<{ calibration: { rows: number }; findings: { code: string; message: string }[] }>(
      ...['plan', ...options, '--calibration-rows', 'auto:128', '--json']
    )
    expect(plan.calibration.rows).toBe(128)
    expect(plan.findings.find(({ code }) => code === 'ENOUGH_ROWS')?.message).toContain('128 at most')
  })
})
