import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../src/shared/plan'
import { checkedSteps } from '../../src/shared/refinement'
import { LAYERS_OF_START } from '../../src/shared/refinementWords'
import { RunEvent } from '../../src/shared/runEvents'
import { jsonLines, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { textBeginning } from '../helpers/textBeginning'

const STEPS = 4
/** After which the held-out row of the eight is asked. */
const CHECKED = checkedSteps({ steps: STEPS, batch: 2 }, 8)
const NAME = 'exact-r4-refined'

/** Short rows of few tokens: a run takes seconds. */
const options = [
  ...['--model', narrowModel, '--calibration', textBeginning('sotu-calibration.txt')],
  ...['--context', '64', '--calibration-rows', '8', '--method', 'exact', '--rank', '4'],
  ...['--refine', '--refine-steps', `${STEPS}`, '--refine-batch', '2', '--refine-rate', '0.01']
]
const work = new Workplace()
const printed = work.quail('init-lora', ...options, '--out', 'adapter')

describe('a refined variant on the command line', () => {
  it('is in the plan with what its refinement adds', async () => {
    const { stdout } = await work.quail('plan', ...options)
    expect(stdout).toMatch(new RegExp(`^variants +${NAME}: `, 'm'))
    expect(stdout).toMatch(/^ +refined in 4 steps of 2 rows out of 7, 1 row held out; about \d.* of the time$/m)
    const { variants } = await work.json<Plan>('plan', ...options, '--json')
    const { refinement, extraSeconds } = variants[0] ?? {}
    expect(refinement).toMatchObject({ steps: STEPS, batch: 2, rows: 7, heldOutRows: 1 })
    expect(refinement?.seconds).toBeGreaterThan(0)
    expect(refinement?.seconds).toBeLessThan(extraSeconds as number)
  })

  it('is not planned with more rows in a step than there are to learn from', async () => {
    const few = options.map((one, i) => (options[i - 1] === '--calibration-rows' ? '2' : one))
    const { stdout } = await work.quail('plan', ...few)
    expect(stdout).toMatch(/^ +refined in 4 steps of 1 row out of 1, 1 row held out; /m)
  })

  it('tells how it goes, and at its end what was kept', async () => {
    const { code, stdout, stderr } = await printed
    expect(code).toBe(0)
    const told = stderr.split('\n').filter((line) => line.startsWith(`${NAME}: `))
    expect(told[0]).toMatch(/: held-out KL 0\.0\d+ at the start, 0\.0\d+ without an adapter/)
    expect(told.slice(1).map((line) => line.match(/after (\d+) of 4 steps; 0\.0\d+ at the start/)?.[1])).toEqual(
      CHECKED.map(String)
    )
    expect(stdout).toMatch(new RegExp(`^  ${NAME}: (held-out KL|the start was kept)`, 'm'))
  })

  it('is shown and verified later, also after a rebuild of the database', async () => {
    const { stdout } = await printed
    const line = stdout.split('\n').find((one) => one.startsWith(`  ${NAME}: `)) as string
    const [run] = await work.json<{ id: string }[]>('runs', 'list', '--json')
    const show = async () => (await work.quail('runs', 'show', run?.id as string)).stdout
    expect(await show()).toContain(line)
    const { code } = await work.quail('verify', 'adapter', '--model', narrowModel)
    expect(code).toBe(0)
    expect((await work.quail('runs', 'rebuild')).code).toBe(0)
    expect(await show()).toContain(line)
  })

  it('has a model card that says what was refined, what was kept, and whose the figures of layers are', async () => {
    const { stdout } = await printed
    const sentence = stdout.match(new RegExp(`^  ${NAME}: (.*)$`, 'm'))?.[1] as string
    const card = readFileSync(work.path('adapter', 'README.md'), 'utf8')
    expect(card).toContain(': exact, rank 4, refined against the whole model\n')
    expect(card).toContain(`: ${sentence} (KL divergence`)
    expect(card).toMatch(/^- refined: 4 steps of 2 rows out of 7, largest step 1 % .*; 1 row \(63 tokens\) held out$/m)
    const { refinement } = JSON.parse(readFileSync(work.path('adapter', 'quail.json'), 'utf8'))
    expect(card.includes(LAYERS_OF_START)).toBe(refinement.kept !== 0)
    expect(card.includes('removed by the start, before refinement')).toBe(refinement.kept !== 0)
  })

  it('reports events as the rest of the run does', async () => {
    const { stdout } = await work.quail('init-lora', ...options, '--out', 'other', '--json')
    const events = jsonLines(stdout).map((line) => RunEvent.parse(line))
    expect(events.filter(({ type }) => type === 'refined')).toHaveLength(1 + CHECKED.length)
    expect(events.find(({ type }) => type === 'planned')).toMatchObject({
      refinements: [{ variant: NAME, steps: STEPS }]
    })
  })
})
