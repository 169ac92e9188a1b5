import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeCheckpoint } from '../../bench/makeCheckpoint'
import { clearMomentSets, listMomentSets } from '../../src/engine/formats/momentSets'
import { BlockRunner } from '../../src/engine/models/blockRunner'
import type { MomentStore } from '../../src/shared/keptMoments'
import type { Recipe } from '../../src/shared/recipe'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { sampleText } from '../helpers/paths'
import { adapterDigests, finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'
import { textBeginning } from '../helpers/textBeginning'

/*
 * Second moments that outlive a run: whatever becomes of them, adapters and figures have the bytes that they have without.
 */

const newStore = (limitBytes = 2 ** 30): MomentStore => ({
  folder: join(mkdtempSync(join(tmpdir(), 'quail-moments-')), 'moments'),
  limitBytes
})

type Changes = Partial<Record<keyof Recipe, unknown>>

const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
const shape = { blocks: 3, hidden: 48, intermediate: 96, heads: 4, keyValueHeads: 2, vocabulary: 4096 }
beforeAll(() => makeCheckpoint(model, shape))

const calibration = { files: [sampleText('moby-evaluation.txt')], rows: 4 }
const evaluation = { files: [textBeginning('sotu-evaluation.txt')], rows: 2 }
const short = { model, calibration, context: 32, evaluation }
/** One method, rank and number format, and others. */
const first: Changes = { ...short, variants: [{ method: 'quailora', rank: 4 }] }
const other: Changes = {
  ...short,
  variants: [
    { method: 'exact', rank: 8, quantizer: { format: 'int8' } },
    { method: 'svd', rank: 2, refine: { steps: 2, batch: 1 } }
  ]
}
const namesOf = ({ variants }: Changes): string[] =>
  variants === first.variants ? ['quailora-r4'] : ['exact-r8', 'svd-r2-refined']

async function execute(
  changes: Changes,
  store?: MomentStore,
  stop?: (event: RunEventDraft) => boolean,
  run = makeRun(changes)
) {
  const events = await runToEnd(run, stop, undefined, store)
  return { run, events, ...facts(events) }
}

const facts = (events: readonly RunEventDraft[]) => ({
  state: events.find((event) => event.type === 'planned')?.moments?.state,
  warnings: events.flatMap((event) => (event.type === 'warning' && event.code === 'MOMENTS' ? [event.message] : [])),
  status: finishedOf(events).status
})

/** Adapters with their proofs, and the perplexities. */
const results = ({ run, events }: { run: TestRun; events: readonly RunEventDraft[] }, changes: Changes) => ({
  adapters: adapterDigests(run, namesOf(changes)),
  perplexity: finishedOf(events).perplexity
})

/** What a run gives without a store; made once. */
const plain = new Map<Changes, Promise<ReturnType<typeof results>>>()
function expected(changes: Changes) {
  const known = plain.get(changes) ?? execute(changes).then((done) => results(done, changes))
  plain.set(changes, known)
  return known
}

const setFolder = async ({ folder }: MomentStore, at = 0): Promise<string> =>
  join(folder, (await listMomentSets(folder))[at]?.key ?? 'none')

afterEach(() => void vi.restoreAllMocks())

describe('second moments of a run that is over', () => {
  it('spare a run with other methods, ranks and number formats its calibration, to the same bytes', async () => {
    const store = newStore()
    const kept = await execute(first, store)
    expect(kept).toMatchObject({ state: 'kept', status: 'completed', warnings: [] })
    expect(results(kept, first)).toEqual(await expected(first))
    const wanted = await expected(other)
    const calibrating = vi.spyOn(BlockRunner.prototype, 'forwardWithGrams')
    const used = await execute(other, store)
    expect(used).toMatchObject({ state: 'used', status: 'completed', warnings: [] })
    expect(calibrating).not.toHaveBeenCalled()
    expect(results(used, other)).toEqual(wanted)
  })

  it('are of no use to other rows, texts, lengths of rows, or positions that count', async () => {
    const store = newStore()
    const plainly = { ...first, evaluation: undefined }
    await execute(plainly, store)
    const others = [
      { calibration: { ...calibration, rows: 3 } },
      { calibration: { ...calibration, files: [sampleText('sotu-evaluation.txt')] } },
      { context: 16 },
      { firstToken: 'exclude' }
    ]
    for (const changes of others) {
      expect(await execute({ ...plainly, ...changes }, store)).toMatchObject({ state: 'kept', status: 'completed' })
    }
    expect(await listMomentSets(store.folder)).toHaveLength(1 + others.length)
  })
})

describe('second moments that cannot be trusted', () => {
  it.each([
    ['damaged', 'block-2.moments', (bytes: Buffer) => bytes.fill(7, bytes.length / 2, bytes.length / 2 + 1)],
    ['damaged', 'states.moments', (bytes: Buffer) => bytes.fill(7, 100, 101)],
    ['of other weights or of another version', 'block-2.moments', (bytes: Buffer) => bytes.fill(7, 0, 32)]
  ])('are %s: computed anew with a word, and whole again (%s)', async (how, file, damage) => {
    const store = newStore()
    await execute(first, store)
    const path = join(await setFolder(store), file)
    const whole = readFileSync(path)
    writeFileSync(path, damage(Buffer.from(whole)))
    const mended = await execute(other, store)
    expect(mended.warnings).toEqual([`second moments of an earlier run are ${how}: they are computed anew`])
    expect(results(mended, other)).toEqual(await expected(other))
    expect(readFileSync(path).equals(whole)).toBe(true)
    expect((await execute({ ...first, evaluation: undefined }, store)).state).toBe('used')
  })

  it('are another model’s, whatever names and times of files say', async () => {
    const store = newStore()
    const changed = mkdtempSync(join(tmpdir(), 'quail-model-'))
    cpSync(model, changed, { recursive: true })
    const weights = join(changed, 'model.safetensors')
    const bytes = readFileSync(weights)
    const headerBytes = Number(bytes.readBigUInt64LE(0))
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes))
    const at = 8 + headerBytes + header['model.layers.1.mlp.up_proj.weight'].data_offsets[0]
    bytes[at] = (bytes[at] as number) ^ 1 // one bit of one weight
    writeFileSync(weights, bytes)
    const changes = { ...first, model: changed }
    const own = await execute(changes, store)
    await execute(first, store)
    cpSync(await setFolder(store, 0), await setFolder(store, 1), { recursive: true })
    const again = await execute(changes, store)
    expect(again.state).toBe('used')
    expect(again.warnings).toEqual([
      'second moments of an earlier run are of other weights or of another version: they are computed anew'
    ])
    expect(results(again, first)).toEqual(results(own, first))
  })
})

describe('a run that is stopped in the middle', () => {
  const afterBlock = (block: number) => (event: RunEventDraft) =>
    event.type === 'blockFinished' && event.block === block

  it.each([
    ['used', true],
    ['kept', false]
  ])('goes on to the same bytes when what it %s is gone, or is not wanted any more', async (state, before) => {
    for (const goOn of [(store: MomentStore) => store, () => undefined]) {
      const store = newStore()
      if (before) await execute({ ...first, evaluation: undefined }, store)
      const stopped = await execute(other, store, afterBlock(1))
      expect(stopped).toMatchObject({ state, status: 'cancelled' })
      await clearMomentSets(store.folder)
      const resumed = await execute(other, goOn(store), undefined, stopped.run)
      expect(resumed.status).toBe('completed')
      expect(results(resumed, other)).toEqual(await expected(other))
    }
  })

  it('completes the set that it had begun', async () => {
    const store = newStore()
    const stopped = await execute(first, store, afterBlock(1))
    await execute(first, store, undefined, stopped.run)
    const used = await execute(other, store)
    expect(used.state).toBe('used')
    expect(results(used, other)).toEqual(await expected(other))
  })
})

describe('the limit of what is kept', () => {
  it('keeps none of what is larger, and lets go of what was not used for the longest time', async () => {
    const sparing = { ...first, evaluation: undefined }
    const fewer = { ...sparing, calibration: { ...calibration, rows: 3 } }
    const store = newStore()
    await execute(sparing, store)
    const [{ bytes, key } = { bytes: 0, key: '' }] = await listMomentSets(store.folder)
    const small = newStore(bytes / 2)
    expect(await execute(sparing, small)).toMatchObject({ state: 'tooLarge', status: 'completed', warnings: [] })
    expect(existsSync(small.folder)).toBe(false)
    await execute(fewer, { ...store, limitBytes: 1.5 * bytes })
    const left = await listMomentSets(store.folder)
    expect(left).toHaveLength(1)
    expect(left[0]?.key).not.toBe(key)
  })

  it('where nothing can be written keeps none, with a word, and the run is completed', async () => {
    const store = newStore()
    const done = await execute(first, store, (event) => {
      // Its folder turns into a file under way.
      if (event.type === 'phaseStarted' && event.phase === 'blocks')
        void clearMomentSets(store.folder).then(() => writeFileSync(store.folder, ''))
      return false
    })
    expect(done.status).toBe('completed')
    expect(done.warnings.join()).toMatch(/^second moments are not kept for later runs: .*moments/)
    expect(results(done, first)).toEqual(await expected(first))
    const without = await execute({ ...first, evaluation: undefined }, store)
    expect(without).toMatchObject({
      status: 'completed',
      warnings: [expect.stringMatching('^second moments are not kept')]
    })
  })
})
