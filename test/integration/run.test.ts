import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyAdapter } from '../../src/engine/ask/verify'
import { lockRun } from '../../src/engine/run/lock'
import { perplexitiesOf } from '../../src/engine/run/rowStatistics'
import { QUANTIZERS } from '../../src/shared/quantizers'
import type { RunEventDraft } from '../../src/shared/runEvents'
import { RowLosses, type RowsOfText } from '../../src/shared/runFolder'
import { narrowModel } from '../helpers/narrowModel'
import { sampleModel, sampleText } from '../helpers/paths'
import { adapterDigests, finishedOf, makeRun, runToEnd } from '../helpers/runs'

const variants = ['svd-r8', 'quailora-r8']
const recipe = {
  variants: [
    { method: 'svd', rank: 8 },
    { method: 'quailora', rank: 8 }
  ]
}

/** A whole run of this recipe, made once for all tests that hold another against it. */
const whole = once(async () => {
  const run = makeRun(recipe)
  return { ...run, events: await runToEnd(run) }
})

/** A whole run of quailora alone. */
const single = once(async () => {
  const run = makeRun()
  await runToEnd(run)
  return run
})

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** The same file with the first element of one tensor set to 2. */
function changedWeight(original: Buffer, name: string): Buffer {
  const bytes = Buffer.from(original)
  const length = Number(bytes.readBigUInt64LE())
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
  bytes.writeUInt16LE(0x4000, 8 + length + header[name].data_offsets[0])
  return bytes
}

describe('a run', () => {
  it('ends in one finished event, with adapters, proof and no hidden states left behind', async () => {
    const { events, ...run } = await whole()
    expect(events.filter(({ type }) => type === 'finished')).toHaveLength(1)
    const { status, perplexity, variants: results } = finishedOf(events)
    expect(status).toBe('completed')
    const measured = perplexity['moby-evaluation.txt']
    for (const value of [
      measured?.fullPrecision,
      measured?.quantizers['nf4-b64-dq'],
      measured?.variants['quailora-r8']
    ]) {
      expect(value).toBeGreaterThan(1)
      expect(value).toBeLessThan(4096) // of a model that guesses among all tokens
    }
    expect(results.map(({ layers }) => layers.length)).toEqual([28, 28])
    for (const layer of results[1]?.layers ?? []) {
      expect(layer.loss).toBeLessThan(layer.lossRank0)
      expect(layer.certificate).toBeGreaterThan(0.9)
      // The exact optimum cannot be beaten; stored factors are rounded to 24 bits.
      expect(layer.certificate).toBeLessThan(1 + 1e-6)
      const [out, inputs] = layer.shape
      expect(layer.errors?.after.reduce((sum, count) => sum + count, 0)).toBe(out * inputs)
      expect(layer.channels?.top[0]?.value).toBeGreaterThan(layer.channels?.mean as number)
    }
    // Adapters carry figures only: what the window draws stays in the run folder.
    const proof = JSON.parse(readFileSync(join(run.record.out, 'quailora-r8', 'quail.json'), 'utf8'))
    expect(Object.keys(proof.layers[0])).not.toContain('errors')
    expect(Object.keys(proof.layers[0])).not.toContain('channels')
    expect(existsSync(join(run.folder, 'spool'))).toBe(false)
    expect(JSON.parse(readFileSync(join(run.folder, 'result.json'), 'utf8')).status).toBe('completed')
  })

  it('keeps the sums of each evaluation row, of which every figure of its texts follows', async () => {
    // A variant may have the name of a quantizer or of full precision, and long rows are measured in parts.
    const named = [
      { method: 'svd', rank: 4, name: 'full' },
      { method: 'zero', rank: 4 },
      { method: 'svd', rank: 8, name: 'nf4-b64-dq' }
    ]
    const run = makeRun({ variants: named, evaluation: { files: [sampleText('moby-evaluation.txt')], rows: 40 } })
    const { perplexity } = finishedOf(await runToEnd(run))
    const { texts } = RowLosses.parse(JSON.parse(readFileSync(join(run.folder, 'rows.json'), 'utf8')))
    const rows = texts['moby-evaluation.txt'] as RowsOfText
    expect(rows.tokens).toEqual(Array(40).fill(63))
    expect(Object.keys(rows.variants)).toEqual(['full', 'zero-r4', 'nf4-b64-dq'])
    expect(rows.variants['zero-r4']).toEqual(rows.quantizers['nf4-b64-dq'])
    expect(rows.variants['nf4-b64-dq']).not.toEqual(rows.quantizers['nf4-b64-dq'])
    const bases = new Map(Object.keys(rows.variants).map((name) => [name, 'nf4-b64-dq']))
    const { coverage, ...measured } = perplexity['moby-evaluation.txt'] ?? {}
    expect(coverage).toBeGreaterThan(0.5)
    expect(measured).toEqual(perplexitiesOf(rows, bases))
    const { full, 'nf4-b64-dq': other } = perplexity['moby-evaluation.txt']?.variants ?? {}
    expect(full).not.toBe(perplexity['moby-evaluation.txt']?.fullPrecision)
    expect(other).not.toBe(full)
  })

  it('warns of a block size that transformers cannot quantize with, and of ranks that vLLM does not serve', async () => {
    const codes = async (changes: Parameters<typeof makeRun>[0]) =>
      (await runToEnd(makeRun(changes), ({ type }) => type === 'blockFinished')).flatMap((event) =>
        event.type === 'warning' ? [event.code] : []
      )
    expect(await codes({ variants: [{ method: 'zero', rank: 32, quantizer: { blockSize: 128 } }] })).toEqual(
      expect.arrayContaining(['BLOCK_SIZE', 'VLLM_RANK'])
    )
    const plain = await codes({ variants: [{ method: 'zero', rank: 8 }] })
    expect(plain).not.toContain('BLOCK_SIZE')
    expect(plain).not.toContain('VLLM_RANK')
  })

  it('gives the same bytes twice', async () => {
    const second = makeRun(recipe)
    await runToEnd(second)
    expect(adapterDigests(second, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('gives the same bytes with hidden states in memory and on the disk', async () => {
    const disk = makeRun({ ...recipe, memoryBudget: 1 })
    await runToEnd(disk)
    expect(adapterDigests(disk, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('gives a variant the same factors alone and beside others', async () => {
    const file = 'quailora-r8/adapter_model.safetensors'
    expect(adapterDigests(await single(), ['quailora-r8'])[file]).toBe(adapterDigests(await whole(), variants)[file])
  })

  it('stops within a block when cancelled, and ends with the same bytes when resumed', async () => {
    const broken = makeRun(recipe)
    let layers = 0
    const events = await runToEnd(broken, (event) => event.type === 'layerFinished' && ++layers === 10)
    expect(finishedOf(events).status).toBe('cancelled')
    expect(layers).toBeLessThanOrEqual(14) // two blocks of seven: the one at hand was the second
    const resumed = await runToEnd(broken)
    expect(resumed.find(({ type }) => type === 'planned')).toMatchObject({ resumedBlocks: 1 })
    expect(adapterDigests(broken, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('starts again, with the same result, when the hidden states it left were damaged', async () => {
    const broken = makeRun(recipe)
    await runToEnd(broken, (event) => event.type === 'blockFinished')
    const spool = join(broken.folder, 'spool')
    writeFileSync(join(spool, readdirSync(spool)[0] as string), 'damaged')
    const resumed = await runToEnd(broken)
    expect(resumed.find(({ type }) => type === 'planned')).toMatchObject({ resumedBlocks: 0 })
    expect(adapterDigests(broken, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('does not measure again what was measured, unless its figures were damaged', async () => {
    const broken = makeRun(recipe)
    const phases = (events: readonly RunEventDraft[]) =>
      events.flatMap((one) => (one.type === 'phaseStarted' ? [one.phase] : []))
    const first = await runToEnd(broken, ({ type }) => type === 'evaluated')
    expect(finishedOf(first).status).toBe('cancelled')
    writeFileSync(join(broken.folder, 'rows.json'), '{"version":1,"texts":{}}')
    const second = await runToEnd(broken, ({ type }) => type === 'evaluated')
    expect(phases(second)).toEqual(['reading', 'evaluating'])
    const third = await runToEnd(broken)
    expect(phases(third)).toEqual(['reading', 'exporting'])
    expect(finishedOf(third).perplexity).toEqual(finishedOf((await whole()).events).perplexity)
    expect(adapterDigests(broken, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('drops a journal line that was cut off', async () => {
    const broken = makeRun(recipe)
    await runToEnd(broken, (event) => event.type === 'blockFinished' && event.block === 1)
    const journal = join(broken.folder, 'journal.jsonl')
    const text = readFileSync(journal, 'utf8')
    writeFileSync(journal, text.slice(0, text.length - 20)) // as if killed while block 1's line was written
    await runToEnd(broken)
    expect(adapterDigests(broken, variants)).toEqual(adapterDigests(await whole(), variants))
  })

  it('refuses to go on with a text or a model that has changed in between', async () => {
    const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(model, file))
    const text = join(model, 'text.txt')
    copyFileSync(sampleText('moby-evaluation.txt'), text)
    const run = makeRun({ model, calibration: { files: [text], rows: 8 } })
    await runToEnd(run, (event) => event.type === 'blockFinished')
    const weights = join(model, 'model.safetensors')
    const original = readFileSync(weights)
    writeFileSync(weights, changedWeight(original, 'model.layers.0.self_attn.q_proj.weight'))
    expect(finishedOf(await runToEnd(run)).error?.message).toMatch(/layers\.0\.self_attn\.q_proj has changed/)
    writeFileSync(weights, original)
    const config = join(model, 'config.json')
    const meant = readFileSync(config, 'utf8')
    writeFileSync(config, JSON.stringify({ ...JSON.parse(meant), rope_theta: 5000 }))
    expect(finishedOf(await runToEnd(run)).error?.message).toMatch(/: config\.json has changed since/)
    writeFileSync(config, meant)
    writeFileSync(text, 'another text')
    expect(finishedOf(await runToEnd(run)).error?.message).toMatch(/text\.txt has changed since/)
    rmSync(model, { recursive: true })
  })

  it('notices weights that are written to while it runs, and afterwards in a block that is not its last', async () => {
    const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(model, file))
    const weights = join(model, 'model.safetensors')
    const original = readFileSync(weights)
    const run = makeRun({ model })
    let blocks = 0
    const events = await runToEnd(run, ({ type }) => {
      if (type === 'blockFinished' && ++blocks === 2)
        writeFileSync(weights, changedWeight(original, 'model.layers.0.self_attn.q_proj.weight'))
      return false
    })
    expect(blocks).toBe(2)
    expect(finishedOf(events).error).toMatchObject({
      code: 'BAD_INPUT',
      message: `${weights} has changed while it was in use: put it back as it was, or start a new run`
    })
    expect(existsSync(run.record.out)).toBe(false)
    expect(finishedOf(await runToEnd(run)).error?.message).toMatch(/layers\.0\.self_attn\.q_proj has changed since/)
    writeFileSync(weights, original)
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
    rmSync(model, { recursive: true })
  })

  it('says that a weight file was replaced while it ran, and goes on with the one that it began with', async () => {
    const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(model, file))
    const weights = join(model, 'model.safetensors')
    const run = makeRun({ ...recipe, model })
    const events = await runToEnd(run, ({ type }) => {
      if (type !== 'blockFinished') return false
      writeFileSync(`${weights}.new`, changedWeight(readFileSync(weights), 'model.layers.3.self_attn.q_proj.weight'))
      renameSync(`${weights}.new`, weights)
      return false
    })
    expect(events.filter(({ type }) => type === 'warning')).toContainEqual(
      expect.objectContaining({ code: 'MODEL_REPLACED', message: expect.stringContaining(`${weights} was replaced`) })
    )
    expect(finishedOf(events).status).toBe('completed')
    const factors = ({ record }: typeof run) =>
      variants.map((variant) => readFileSync(join(record.out, variant, 'adapter_model.safetensors')))
    expect(factors(run)).toEqual(factors(await whole()))
    rmSync(model, { recursive: true })
  })

  it('notices before it exports that weights were written to and the time of that was set back', async () => {
    const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(model, file))
    const weights = join(model, 'model.safetensors')
    const { atime, mtime } = statSync(weights)
    utimesSync(weights, atime, mtime) // to what can be set again
    const original = readFileSync(weights)
    const run = makeRun({ model })
    const write = (content: Uint8Array) => {
      writeFileSync(weights, content)
      utimesSync(weights, atime, mtime)
    }
    let blocks = 0
    const events = await runToEnd(run, ({ type }) => {
      if (type === 'blockFinished' && ++blocks === 2) write(changedWeight(original, 'model.norm.weight'))
      return false
    })
    expect(blocks).toBe(4)
    expect(finishedOf(events).error?.message).toMatch(/: model\.norm has changed since/)
    expect(existsSync(run.record.out)).toBe(false)
    write(original)
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
    rmSync(model, { recursive: true })
  })

  it.each([
    [5e-324, 'float32', 'large'],
    [1e300, 'float32', 'small'],
    [1e-12, 'float16', 'large']
  ])('refuses a lora_alpha of %f, with which factors in %s are too %s', async (alpha, factorDtype, how) => {
    const run = makeRun({ evaluation: undefined, factorDtype, variants: [{ method: 'svd', rank: 8, alpha }] })
    expect(finishedOf(await runToEnd(run)).error).toMatchObject({
      code: 'NUMERICS',
      message: expect.stringMatching(
        new RegExp(`q_proj are too ${how} for ${factorDtype}; a lora_alpha near the rank, 8, keeps`)
      )
    })
  })

  it('is refused while another process works on it', async () => {
    const run = makeRun()
    const unlock = await lockRun(run.folder)
    await expect(runToEnd(run)).rejects.toMatchObject({ code: 'LOCKED' })
    await unlock()
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
  })

  it('takes over the lock of a process that died', async () => {
    const run = makeRun()
    const dead = { pid: 2 ** 22 - 1, started: 'long ago', host: (await import('node:os')).hostname() }
    writeFileSync(join(run.folder, 'lock'), JSON.stringify(dead))
    expect(finishedOf(await runToEnd(run)).status).toBe('completed')
  })

  it('never writes into the model directory', async () => {
    const listing = () => readdirSync(narrowModel).map((file) => [file, statSync(join(narrowModel, file)).mtimeMs])
    const before = listing()
    await runToEnd(makeRun())
    expect(listing()).toEqual(before)
  })

  it('does not overwrite an adapter that it did not make: its own can go elsewhere', async () => {
    const run = makeRun(recipe)
    const other = makeRun({ variants: [{ method: 'svd', rank: 4, name: 'svd-r8' }] })
    await runToEnd(other)
    cpSync(other.record.out, run.record.out, { recursive: true })
    const { status, error } = finishedOf(await runToEnd(run))
    expect(status).toBe('failed')
    expect(error).toMatchObject({ code: 'IO', message: expect.stringContaining('already holds another adapter') })
  })
})

describe('bad input', () => {
  /** A copy of the narrow model in which one file may be changed. */
  function changedModel(change: (directory: string) => void): string {
    const directory = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(directory, file))
    change(directory)
    return directory
  }

  const failure = async (changes: Parameters<typeof makeRun>[0]) => finishedOf(await runToEnd(makeRun(changes))).error

  it('names the tensor and the file of a NaN weight', async () => {
    const model = changedModel((directory) => {
      const path = join(directory, 'model.safetensors')
      const bytes = readFileSync(path)
      const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString())
      const [begin] = header['model.layers.2.mlp.up_proj.weight'].data_offsets
      bytes.writeUInt16LE(0x7fc0, 8 + Number(bytes.readBigUInt64LE()) + begin + 34)
      writeFileSync(path, bytes)
    })
    const error = await failure({ model })
    expect(error).toMatchObject({ code: 'BAD_FORMAT' })
    expect(error?.message).toMatch(/model\.safetensors.*model\.layers\.2\.mlp\.up_proj\.weight.*17/)
    rmSync(model, { recursive: true })
  })

  it('names the block whose activations overflow', async () => {
    const model = changedModel((directory) => {
      const path = join(directory, 'model.safetensors')
      const bytes = readFileSync(path)
      const length = Number(bytes.readBigUInt64LE())
      const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
      const [begin, end] = header['model.layers.1.mlp.up_proj.weight'].data_offsets
      for (let at = begin; at < end; at += 2) bytes.writeUInt16LE(0x7f00, 8 + length + at) // 1.7e38: finite, but not for long
      writeFileSync(path, bytes)
    })
    const error = await failure({ model })
    expect(error).toMatchObject({ code: 'NUMERICS' })
    expect(error?.message).toMatch(/model\.layers\.1: its output is .*activations must be finite/)
    rmSync(model, { recursive: true })
  })

  it.each([
    [
      'a rank above the size of every layer',
      { model: sampleModel, variants: [{ method: 'svd', rank: 257 }] },
      /rank is 257.*q_proj.*256/
    ],
    ['a target that matches nothing', { variants: [{ method: 'svd', targets: ['q_porj'] }] }, /q_porj.*q_proj, k_proj/],
    ['a context beyond the positions', { context: 4096 }, /context is 4096.*512/],
    ['a model directory that does not exist', { model: '/does/not/exist' }, /\/does\/not\/exist/]
  ])('refuses %s with one sentence', async (_, changes, message) => {
    const error = await failure(changes)
    expect(['BAD_INPUT', 'BAD_FORMAT']).toContain(error?.code)
    expect(error?.message).toMatch(message)
    expect(error?.message).not.toContain('\n')
  })

  it('names an unknown family and what is accepted', async () => {
    const model = changedModel((directory) => {
      const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))
      writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, model_type: 'rwkv' }))
    })
    expect((await failure({ model }))?.message).toMatch(/model_type is "rwkv", .*quail families lists the \d+ types/)
    rmSync(model, { recursive: true })
  })
})

describe('verify', () => {
  it.each(QUANTIZERS)(
    'accepts an adapter on the model that it was made for, in %s, after a resumed run',
    async (format) => {
      const run = makeRun({ variants: [{ method: 'quailora', rank: 8, quantizer: { format } }] })
      await runToEnd(run, ({ type }) => type === 'blockFinished')
      const resumed = await runToEnd(run)
      expect(resumed.find(({ type }) => type === 'planned')).toMatchObject({ resumedBlocks: 1 })
      const { fits, summary, checks } = await verifyAdapter(join(run.record.out, 'quailora-r8'), narrowModel)
      expect(summary).toMatch(/^the adapter fits/)
      expect(fits).toBe(true)
      expect(checks.find(({ name }) => name === 'fingerprint')?.detail).toMatch(new RegExp(`^${format}.*: codes`))
    }
  )

  it('says that dropout would switch the correction off, of an adapter that has yet to be trained', async () => {
    const run = await single()
    const made = join(run.record.out, 'quailora-r8')
    const file = join(made, 'adapter_config.json')
    const config = readFileSync(file, 'utf8')
    expect((await verifyAdapter(made, narrowModel)).notes).toEqual([])
    writeFileSync(file, JSON.stringify({ ...JSON.parse(config), lora_dropout: 0.05 }))
    const { fits, notes } = await verifyAdapter(made, narrowModel)
    writeFileSync(file, config)
    expect(fits).toBe(true)
    expect(notes).toEqual([
      expect.stringContaining('lora_dropout 0.05: while it trains, the correction is switched off')
    ])
  })

  it('says of one without its proof, as PEFT saves it, what can be said, and the rest with that of the first', async () => {
    const run = await single()
    const made = join(run.record.out, 'quailora-r8')
    const saved = join(run.record.out, 'saved')
    cpSync(made, saved, { recursive: true, filter: (path) => !path.endsWith('quail.json') })
    const alone = await verifyAdapter(saved, narrowModel)
    expect(alone).toMatchObject({ fits: true, complete: false, notes: [] })
    expect(alone.checks.map(({ ok }) => ok)).toEqual([true, true, true, true, null])
    expect(alone.summary).toMatch(/^the adapter fits as far as can be said: 28 linears, rank 8; which base .*--from$/)
    expect(await verifyAdapter(saved, narrowModel, { from: made })).toMatchObject({ fits: true, complete: true })
    await expect(verifyAdapter(made, narrowModel, { from: saved })).rejects.toThrow('quail.json does not exist')
    // Another name for the base than where it is.
    const file = join(saved, 'adapter_config.json')
    const config = JSON.parse(readFileSync(file, 'utf8'))
    for (const [named, said] of [
      ['someone/base', `names "someone/base" as the base, not ${narrowModel}`],
      ['model', 'names "model" as the base, which is no directory here'],
      [tmpdir(), `as the base, not ${narrowModel}`]
    ] as const) {
      writeFileSync(file, JSON.stringify({ ...config, base_model_name_or_path: named }))
      const { fits, notes } = await verifyAdapter(saved, narrowModel)
      expect([fits, notes]).toEqual([true, [expect.stringContaining(said)]])
    }
  })

  it('refuses an adapter whose base has other weights, and names the linear', async () => {
    const run = await single()
    const model = mkdtempSync(join(tmpdir(), 'quail-model-'))
    for (const file of readdirSync(narrowModel)) copyFileSync(join(narrowModel, file), join(model, file))
    const bytes = readFileSync(join(model, 'model.safetensors'))
    writeFileSync(join(model, 'model.safetensors'), changedWeight(bytes, 'model.layers.1.self_attn.q_proj.weight'))
    const { fits, summary } = await verifyAdapter(join(run.record.out, 'quailora-r8'), model)
    expect(fits).toBe(false)
    expect(summary).toMatch(/model\.layers\.1\.self_attn\.q_proj quantizes to other values/)
    rmSync(model, { recursive: true })
  })
})
