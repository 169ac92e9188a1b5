import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Perplexities, RunEventDraft } from '../../../src/shared/runEvents'
import { appendEvents } from '../../../src/store/runEvents'
import { finishRun, insertRun } from '../../../src/store/runs'
import type { WorkbenchContext } from '../../../src/workbench/context'
import { proofHandlers } from '../../../src/workbench/proof'
import { layerResult, runOutcome, runRecord, temporaryHome, temporaryStore } from '../../helpers/stores'

const scope = { signal: new AbortController().signal, progress: () => {} }

async function stored() {
  const home = temporaryHome()
  const store = await temporaryStore(home)
  const record = runRecord('one', { out: join(home, 'out') })
  await insertRun(store, record)
  // The handlers use the database alone; an engine would start threads.
  const services = { home, store, version: '0.1.0' }
  const handlers = proofHandlers({ services } as unknown as WorkbenchContext)
  return { store, record, handlers, home }
}

const stamped = (drafts: readonly RunEventDraft[]) =>
  drafts.map((draft, seq) => ({ ...draft, run: 'one', seq, atMs: 1000 * seq }))

const planned: RunEventDraft = {
  type: 'planned',
  blocks: 2,
  linears: 3,
  parameters: 1000,
  calibrationTokens: 64,
  evaluationTokens: 32,
  variants: ['svd-r8', 'quailora-r8'],
  resumedBlocks: 0
}
const histogram = { errors: { range: 1, before: [1, 2], after: [2, 1] }, channels: { mean: 1, top: [] } }
const layer = (seed: number) => ({ ...layerResult('model.layers.0.self_attn.q_proj', seed), ...histogram })

describe('the proof of a run', () => {
  it('grows while the run goes: blocks, layers, texts that are evaluated', async () => {
    const { store, handlers } = await stored()
    const { perplexity } = runOutcome(runRecord('one'))
    await appendEvents(
      store,
      'one',
      stamped([
        planned,
        {
          type: 'layerFinished',
          block: 0,
          layer: layer(1).name,
          results: [{ variant: 'svd-r8', result: layer(1) }]
        },
        { type: 'blockFinished', block: 0, total: 2, durationMs: 500 },
        { type: 'evaluated', file: 'evaluation.txt', perplexity: perplexity['evaluation.txt'] as Perplexities }
      ])
    )
    const run = await handlers['proof.run']({ id: 'one' }, scope)
    expect(run).toMatchObject({ title: 'law', blocksDone: 1, workedMs: 3000, planned: { blocks: 2 }, error: null })
    // Nobody holds the lock of this run.
    expect(run.status).toBe('interrupted')
    expect(run.perplexity['evaluation.txt']?.variants['quailora-r8']).toBe(6.9)
    expect(run.variants.map(({ name, scaling, adapter }) => [name, scaling, adapter])).toEqual([
      ['svd-r8', 2, null],
      ['quailora-r8', 2, null]
    ])
    expect(run.recipeText).toContain('model: /models/small')
    const [row] = await handlers['proof.layers']({ id: 'one' }, scope)
    const { eigenvalues, errors, channels, ...figures } = layer(1)
    expect(row).toEqual({ ...figures, variant: 'svd-r8', block: 0, rankFor90: 2 })
    const [whole] = await handlers['proof.layer']({ id: 'one', layer: layer(1).name }, scope)
    expect(whole?.result).toEqual(layer(1))
  })

  it('counts blocks from where the last attempt began', async () => {
    const { store, handlers } = await stored()
    const block = (at: number): RunEventDraft => ({ type: 'blockFinished', block: at, total: 2, durationMs: 10 })
    await appendEvents(store, 'one', stamped([planned, block(0), { ...planned, resumedBlocks: 1 }, block(1)]))
    expect(await handlers['proof.run']({ id: 'one' }, scope)).toMatchObject({ blocksDone: 2, workedMs: 3000 })
  })

  it('names the versions that an adapter was made with, as long as one is there', async () => {
    const { store, record, handlers } = await stored()
    const path = join(record.out, 'quailora-r8')
    await appendEvents(
      store,
      'one',
      stamped([{ type: 'artifactWritten', variant: 'quailora-r8', path, bytes: 9, sha256: 'ab' }])
    )
    await finishRun(store, 'one', runOutcome(record))
    expect((await handlers['proof.run']({ id: 'one' }, scope)).versions).toEqual({ quail: '0.1.0' })
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'quail.json'), '{"versions":{"quail":"9","onnxruntime":"1.30.0","node":"20.1.0"}}')
    const run = await handlers['proof.run']({ id: 'one' }, scope)
    expect(run.versions).toEqual({ quail: '0.1.0', onnxruntime: '1.30.0', node: '20.1.0' })
    expect(run.variants[1]).toMatchObject({ adapter: path, bytes: 9, sha256: 'ab' })
  })

  it('names a run that is not there', async () => {
    const { handlers } = await stored()
    await expect(handlers['proof.run']({ id: 'two' }, scope)).rejects.toThrow('two')
  })
})
