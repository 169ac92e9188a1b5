import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { characterModel } from '../helpers/characterModel'
import { sampleModel, sampleText } from '../helpers/paths'
import { adapterDigests, isProgress, makeRun, runToEnd, stoppedAndFinished, toEnd } from '../helpers/runs'

const recipe = {
  model: sampleModel,
  calibration: { files: [sampleText('sotu-calibration.txt')], rows: 24 },
  evaluation: { files: [sampleText('sotu-evaluation.txt')], rows: 8 },
  variants: [
    { method: 'exact', rank: 8 },
    { method: 'kfac', rank: 8 }
  ]
}
/** The same of a tiny model: what is stopped, damaged or kept elsewhere takes the same way. */
const { model, text } = characterModel('gemma2')
const short = {
  ...recipe,
  ...{ model, context: 32, calibration: { files: [text], rows: 24 }, evaluation: { files: [text], rows: 4 } }
}
const NAMES = ['exact-r8', 'kfac-r8']

const whole = toEnd(recipe)
const wholeShort = whole.then(() => toEnd(short))

describe('a run that weighs outputs', () => {
  it('brings the model nearer to full precision than the optimum of single layers does', async () => {
    const { finished } = await whole
    expect(finished.status).toBe('completed')
    const { klDivergence: exact } = finished.perplexity['sotu-evaluation.txt']?.statistics?.variants['exact-r8'] ?? {}
    const { klDivergence: kfac } = finished.perplexity['sotu-evaluation.txt']?.statistics?.variants['kfac-r8'] ?? {}
    expect(kfac?.mean).toBeGreaterThan(0)
    expect(kfac?.mean).toBeLessThan(0.95 * (exact?.mean as number))
  })

  it('says how far it is, once forward and once backward', async () => {
    const { events } = await whole
    const done = events.flatMap((event) =>
      event.type === 'phaseProgress' && event.phase === 'weighing' ? [[event.done, event.total]] : []
    )
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((blocks) => [blocks, 8]))
  })

  it.each<[string, (event: RunEventDraft) => boolean]>([
    ['while it weighs', (event) => isProgress(event, 'weighing', 3)],
    ['after its second block', (event) => event.type === 'blockFinished' && event.block === 1]
  ])('stopped %s goes on to the same bytes', async (_, stopAfter) => {
    const { run } = await wholeShort
    const stopped = await stoppedAndFinished(short, stopAfter)
    expect(adapterDigests(stopped.run, NAMES)).toEqual(adapterDigests(run, NAMES))
  })

  it('weighs anew where what it left is damaged', async () => {
    const { run } = await wholeShort
    const broken = makeRun(short)
    await runToEnd(broken, (event) => event.type === 'blockFinished')
    const spool = join(broken.folder, 'spool')
    const [file] = readdirSync(spool).filter((name) => name.startsWith('curvature.'))
    writeFileSync(join(spool, file as string), 'damaged')
    const events = await runToEnd(broken)
    expect(events.filter((event) => event.type === 'phaseStarted' && event.phase === 'weighing')).toHaveLength(1)
    expect(adapterDigests(broken, NAMES)).toEqual(adapterDigests(run, NAMES))
  })

  it('gives the same bytes when nothing may stay in memory, and leaves the other variants as they are', async () => {
    const { run } = await wholeShort
    const onDisk = makeRun({ ...short, memoryBudget: 1 })
    await runToEnd(onDisk)
    expect(adapterDigests(onDisk, NAMES)).toEqual(adapterDigests(run, NAMES))
    const alone = makeRun({ ...short, variants: [short.variants[0]] })
    const events = await runToEnd(alone)
    expect(events.some((event) => event.type === 'phaseStarted' && event.phase === 'weighing')).toBe(false)
    expect(adapterDigests(alone, ['exact-r8'])).toEqual(adapterDigests(run, ['exact-r8']))
  })
})
