import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SweepFigures } from '../../src/shared/sweep/results'
import { jsonLines, Workplace } from '../helpers/commandLine'
import { narrowModel } from '../helpers/narrowModel'
import { sampleText } from '../helpers/paths'
import { textBeginning } from '../helpers/textBeginning'

const speeches = {
  calibration: textBeginning('sotu-calibration.txt'),
  evaluation: textBeginning('sotu-evaluation.txt')
}
const texts = [
  '--calibration',
  speeches.calibration,
  `whales=${sampleText('moby-evaluation.txt')}`,
  '--evaluation',
  speeches.evaluation,
  `whales=${sampleText('moby-evaluation.txt')}`
]
/** Short rows of few tokens: a run takes seconds. */
const small = [
  '--context',
  '32',
  '--calibration-rows',
  '4',
  '--evaluation-rows',
  '4',
  '--method',
  'exact',
  '--rank',
  '2,4'
]
const args = ['--model', narrowModel, ...texts, ...small, '--seeds', '2']

interface Report {
  completed: number
  total: number
  definition: { id: string; evaluation: string[] }
  runs: { id: string; set: string; seed: number; status: string }[]
  figures: SweepFigures[]
}

const report = (out: string): Report => JSON.parse(readFileSync(join(out, 'sweep.json'), 'utf8'))

/** Every file but the report's, by its path. */
function digests(out: string): Record<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map((file) => join(file.parentPath, file.name))
      .filter((path) => !['README.md', 'sweep.csv', 'sweep.json'].includes(path.slice(out.length + 1)))
      .map((path) => [path.slice(out.length), createHash('sha256').update(readFileSync(path)).digest('hex')])
  )
}

describe('quail sweep', () => {
  const work = new Workplace()

  it('makes a run for each calibration set and seed, and reports means and deviations of what each measured', async () => {
    const { code, stdout, stderr } = await work.quail('sweep', ...args, '--out', 'whole')
    expect(stderr).toContain('run 4 of 4: whales, seed 1')
    expect(code).toBe(0)
    expect(stdout).toContain('4 runs, one after the other: 2 seeds of sotu, whales')
    expect(stdout).toContain('± is one standard deviation over 2 seeds')
    const { figures, runs, definition } = report(work.path('whole'))
    expect(definition.evaluation).toEqual(['sotu', 'whales'])
    expect(runs.map(({ set, seed }) => `${set} ${seed}`)).toEqual(['sotu 0', 'sotu 1', 'whales 0', 'whales 1'])
    expect(figures).toHaveLength(2 * 2 * 2) // sets, texts, ranks
    expect(readdirSync(work.path('whole')).sort()).toEqual([
      ...['README.md', 'sotu-seed0', 'sotu-seed1', 'sweep.csv', 'sweep.json', 'whales-seed0', 'whales-seed1']
    ])
    const own = figures.find(({ set, own, variant }) => set === 'whales' && own && variant.rank === 4)
    const seeds = await Promise.all(
      runs.slice(2).map(async ({ id }) => {
        const run = await work.json<{ perplexity: Record<string, { variants: Record<string, number> }> }>(
          ...['runs', 'show', id, '--json']
        )
        return run.perplexity['moby-evaluation.txt']?.variants['exact-r4'] as number
      })
    )
    const [a = 0, b = 0] = seeds
    expect(a).not.toBe(b)
    expect(own?.perplexity.values).toEqual(seeds)
    expect(own?.perplexity.mean).toBeCloseTo((a + b) / 2, 10)
    expect(own?.perplexity.deviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 10)
    const lines = readFileSync(work.path('whole', 'sweep.csv'), 'utf8').trim().split('\r\n')
    expect(lines).toHaveLength(1 + 4 * 2 * 2)
  })

  it('has the adapters of single runs: a seed is the draw of its number', async () => {
    const single = ['--calibration', speeches.calibration, ...texts.slice(3, 5), sampleText('moby-evaluation.txt')]
    const options = ['--model', narrowModel, ...single, ...small, '--calibration-draw', '1', '--out', 'single']
    expect((await work.quail('init-lora', ...options)).code).toBe(0)
    const inSweep = digests(work.path('whole', 'sotu-seed1'))
    expect(digests(work.path('single'))).toEqual(inSweep)
    expect(digests(work.path('whole', 'sotu-seed0'))).not.toEqual(inSweep)
  })

  it('goes on after it was killed, makes what is missing, and gives the same bytes', async () => {
    const started = work.start('sweep', ...args, '--out', 'killed')
    await started.waitFor(/run 2 of 4[\s\S]*block 2 of 4/)
    started.child.kill('SIGKILL')
    await started.ended
    const [listed] = await work.json<{ id: string; completed: number; total: number }[]>('sweeps', 'list', '--json')
    expect(listed).toMatchObject({ completed: 1, total: 4 })
    const { code, stdout } = await work.quail('sweeps', 'resume', listed?.id ?? '', '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'sweep', sweep: listed?.id })
    expect(jsonLines(stdout).filter(({ type }) => type === 'finished')).toHaveLength(3)
    expect(digests(work.path('killed'))).toEqual(digests(work.path('whole')))
    const [whole, killed] = [report(work.path('whole')), report(work.path('killed'))]
    expect(killed.figures).toEqual(whole.figures)
  })

  it('is called otherwise, by its name and those of its runs', async () => {
    const { definition, runs } = report(work.path('killed'))
    const { code, stdout } = await work.quail('sweeps', 'rename', definition.id, ' law or whales ')
    expect(stdout).toBe(`${definition.id} is called "law or whales" now\n`)
    expect(code).toBe(0)
    const run = await work.json<{ name: string }>('runs', 'show', runs[2]?.id ?? '', '--json')
    expect(run.name).toBe('law or whales: whales, seed 0')
    expect((await work.quail('runs', 'rename', runs[3]?.id ?? '', 'the last')).stdout).toContain(
      'is called "the last" now'
    )
    expect((await work.quail('sweeps', 'rename', definition.id, '')).stderr).toContain('NAME: a name is missing')
  })

  it('is whole again after the database was made anew from the run folders, by the names it had', async () => {
    const runNames = async () =>
      (await work.json<{ id: string; name: string }[]>('runs', 'list', '--json')).map(({ id, name }) => `${id} ${name}`)
    const names = await runNames()
    expect(names.join()).toContain('the last')
    const before = await work.json('sweeps', 'list', '--json')
    await work.json('runs', 'rebuild', '--json')
    expect(await work.json('sweeps', 'list', '--json')).toEqual(before)
    expect(JSON.stringify(before)).toContain('law or whales')
    expect(await runNames()).toEqual(names)
  })

  it('computes a run again that was deleted, when it is resumed', async () => {
    const { runs, definition, figures } = report(work.path('killed'))
    await work.json('runs', 'delete', runs[3]?.id ?? '', '--json')
    rmSync(work.path('killed', 'whales-seed1'), { recursive: true })
    const { stdout } = await work.quail('sweeps', 'show', definition.id)
    expect(stdout).toContain('3 of 4 runs')
    expect((await work.quail('sweeps', 'resume', definition.id, '--quiet')).code).toBe(0)
    expect(report(work.path('killed')).figures).toEqual(figures)
  })

  it('is deleted with its runs, and no other; what it wrote stays', async () => {
    const { definition } = report(work.path('killed'))
    const written = digests(work.path('killed'))
    const { code, stdout } = await work.quail('sweeps', 'delete', definition.id)
    expect(code).toBe(0)
    expect(stdout).toContain(`deleted ${definition.id}, 4 runs; adapters and report in ${work.path('killed')} were not`)
    const left = report(work.path('whole'))
    expect(await work.json('sweeps', 'list', '--json')).toMatchObject([{ id: left.definition.id }])
    const folders = readdirSync(join(work.home, 'runs'))
    expect(folders).toEqual(expect.arrayContaining(left.runs.map(({ id }) => id)))
    expect(folders).toHaveLength(4 + 1) // and the single run
    expect(digests(work.path('killed'))).toEqual(written)
    expect((await work.quail('sweeps', 'delete', definition.id)).stderr).toContain('there is no sweep')
  })
})

describe('quail sweep refuses', () => {
  const work = new Workplace()
  const nothingStored = async (): Promise<void> => expect(await work.json('runs', 'list', '--json')).toEqual([])

  it('seeds for which a text is too short, before anything is stored', async () => {
    const many = ['--context', '32', '--calibration-rows', '700', '--evaluation-rows', '4', '--method', 'exact']
    const long = texts.with(1, sampleText('sotu-calibration.txt'))
    const { code, stderr } = await work.quail(
      ...['sweep', '--model', narrowModel, ...long, ...many, '--seeds', '3', '--out', 'a']
    )
    expect(code).toBe(2)
    expect(stderr).toMatch(/moby-evaluation\.txt gives [\d,]+ rows, 700 of them are taken: .* draw 2 is asked for/)
    await nothingStored()
  })

  it('two calibration texts of one label', async () => {
    const both = ['--calibration', sampleText('sotu-calibration.txt'), sampleText('sotu-evaluation.txt')]
    const { code, stderr } = await work.quail('sweep', '--model', narrowModel, ...both, ...small, '--out', 'a')
    expect(code).toBe(2)
    expect(stderr).toContain('two calibration texts are of the kind "sotu"; tell them apart as LABEL=FILE')
    await nothingStored()
  })

  it('a sweep that there is not', async () => {
    const { code, stderr } = await work.quail('sweeps', 'show', 'nothing')
    expect(code).toBe(2)
    expect(stderr).toContain('there is no sweep "nothing"')
  })

  it('nothing with --plan, which only tells', async () => {
    const plan = await work.json<{ runs: number; sets: object[] }>('sweep', ...args, '--out', 'a', '--plan', '--json')
    expect(plan).toMatchObject({ runs: 4, sets: [{ label: 'sotu' }, { label: 'whales' }] })
    await nothingStored()
  })

  it('to plan with second moments where none are to be kept', async () => {
    type Planned = { readonly sets: readonly { readonly plan: { readonly moments?: object } }[] }
    const momentsOf = async (...more: string[]) => {
      const { sets } = await work.json<Planned>('sweep', ...args, '--out', 'a', '--plan', ...more, '--json')
      return sets.map(({ plan }) => plan.moments)
    }
    expect(await momentsOf()).toMatchObject([{ state: 'kept' }, { state: 'kept' }])
    expect(await momentsOf('--no-kept-moments')).toEqual([undefined, undefined])
  })
})
