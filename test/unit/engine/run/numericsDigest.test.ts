import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { characterModel } from '../../../helpers/characterModel'
import { makeRun, runToEnd } from '../../../helpers/runs'

const { model, text } = characterModel('gemma2')
const short = {
  model,
  context: 32,
  calibration: { files: [text], rows: 8 },
  variants: [{ method: 'svd', rank: 4 }]
}

/** Blocks that a run went on from, and why it did not go on from more. */
const resumed = (events: Awaited<ReturnType<typeof runToEnd>>) =>
  events.flatMap((event): (string | number)[] => {
    if (event.type === 'planned') return [event.resumedBlocks]
    return event.type === 'warning' && event.code === 'BEGUN_ANEW' ? [event.message] : []
  })

const ANEW = 'the run begins anew: another version of Quail began it, and one adapter would be of both'

/** A run that was stopped after its first block. */
async function begun() {
  const run = makeRun(short)
  await runToEnd(run, (event) => event.type === 'blockFinished')
  return { run, noted: join(run.folder, 'numerics.sha256') }
}

describe('a run that something with other numerics began', () => {
  it('goes on where nothing changed', async () => {
    expect(resumed(await runToEnd((await begun()).run))).toEqual([1])
  })

  it('begins anew where they are noted', async () => {
    const { run, noted } = await begun()
    writeFileSync(noted, 'of another version\n')
    expect(resumed(await runToEnd(run))).toEqual([ANEW, 0])
  })

  it('begins anew where an older version noted nothing', async () => {
    const { run, noted } = await begun()
    rmSync(noted)
    expect(resumed(await runToEnd(run))).toEqual([ANEW, 0])
  })
})
