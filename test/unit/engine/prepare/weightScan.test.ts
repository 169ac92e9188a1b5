import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportBase } from '../../../../src/engine/ask/exportBase'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import type { TensorData } from '../../../../src/engine/formats/safetensorsWriter'
import { planRun, preflight } from '../../../../src/engine/plan/planRun'
import { addTokenizer, copyCheckpoint } from '../../../helpers/checkpoints'
import { neoxModel, sampleModel } from '../../../helpers/paths'
import { removedAfterTests } from '../../../helpers/removedAfter'
import { finishedOf, makeRun, runToEnd } from '../../../helpers/runs'

const made = removedAfterTests()

/** A copy of a model of bfloat16 weights, one of whose values has these bits. */
function withBits(model: string, name: string, index: number, bits: number): string {
  const directory = copyCheckpoint(model, (tensor) => {
    if (tensor.name !== name) return tensor
    const data = Uint8Array.from(tensor.data)
    new Uint16Array(data.buffer)[index] = bits
    return { ...tensor, data }
  })
  made(directory)
  addTokenizer(directory)
  return directory
}

const requestOf = (changes: Parameters<typeof makeRun>[0]) => {
  const { recipe, calibration, evaluation } = makeRun(changes).record
  return { recipe, calibration, evaluation }
}

const BASE = { dtype: 'bfloat16', computeDtype: 'float32', maxShardBytes: 5e9 } as const
const NF4 = { format: 'nf4', blockSize: 64, doubleQuantization: false } as const

describe('a weight that is not finite', () => {
  it.each([
    ['model.layers.2.mlp.up_proj.weight', 273, 0x7fc0, 'NaN', 'row 1, column 17'],
    ['model.layers.3.input_layernorm.weight', 255, 0xff80, '-Infinity', 'index [255]'],
    ['model.norm.weight', 0, 0x7f80, 'Infinity', 'index [0]'],
    ['model.embed_tokens.weight', 1_048_575, 0x7fc0, 'NaN', 'row 4095, column 255'] // the head too: every logit needs it
  ])('is found by plan, preflight and inspect: %s', async (name, index, bits, value, place) => {
    const model = withBits(sampleModel, name, index, bits)
    const message = `${join(model, 'model.safetensors')}: tensor ${name} holds ${value} at ${place}; weights must be finite`
    const { findings } = await preflight(requestOf({ model }))
    expect(findings[0]).toMatchObject({ code: 'WEIGHTS', severity: 'error', subject: 'model', message })
    await expect(planRun({ ...requestOf({ model }), measure: false })).rejects.toMatchObject({
      code: 'BAD_FORMAT',
      message
    })
    expect((await inspectPath(model)).problems).toEqual([message])
  })

  it('is a warning in an embedding of its own, of which texts need single rows', async () => {
    const name = 'gpt_neox.embed_in.weight'
    const model = withBits(neoxModel, name, 130, 0x7fc0)
    const { problems, warnings, model: facts } = await inspectPath(model)
    expect(problems).toEqual([])
    const token = Math.floor(130 / (facts?.hiddenSize ?? 1))
    expect(warnings).toEqual([expect.stringContaining(`${name} is not finite in the row of token ${token}:`)])
  })

  it('is found in the scales of a pre-quantized base', async () => {
    const out = join(copyCheckpoint(sampleModel), 'base')
    made(join(out, '..'))
    await exportBase({ model: sampleModel, out, quantizer: NF4, ...BASE }, new AbortController().signal)
    const scales = 'model.layers.1.mlp.up_proj.weight.absmax'
    const base = copyCheckpoint(out, (tensor: TensorData) => {
      if (tensor.name !== scales) return tensor
      const data = Uint8Array.from(tensor.data)
      new Float32Array(data.buffer)[5] = Number.NaN
      return { ...tensor, data }
    })
    made(base)
    const request = requestOf({
      model: sampleModel,
      base,
      variants: [{ method: 'svd', rank: 4, quantizer: { doubleQuantization: false } }]
    })
    const { findings } = await preflight(request)
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([
      expect.objectContaining({ code: 'BASE', message: expect.stringContaining(`${scales} holds NaN at index [5]`) })
    ])
  })

  it('is found by a run before it embeds anything, where the model is too large for a plan to look', async () => {
    const model = withBits(sampleModel, 'model.layers.3.mlp.down_proj.weight', 3, 0x7fc0)
    enlarge(join(model, 'model.safetensors'))
    expect((await preflight(requestOf({ model }))).findings.map(({ code }) => code)).not.toContain('WEIGHTS')
    const events = await runToEnd(makeRun({ model }))
    expect(finishedOf(events).error).toMatchObject({ code: 'BAD_FORMAT' })
    expect(finishedOf(events).error?.message).toContain('down_proj.weight holds NaN at row 0, column 3')
    const phases = events.flatMap((event) => (event.type === 'phaseStarted' ? event.phase : []))
    expect(phases).toEqual(['reading'])
    const shares = events.flatMap((event) => (event.type === 'phaseProgress' ? event.done : []))
    expect(shares.length).toBeGreaterThan(10)
    expect(shares.every((share, i) => share > (shares[i - 1] ?? 0) && share <= 1)).toBe(true)
  })
})

/** Adds a tensor that no model reads, of 80 MB that take no place on the disk. */
function enlarge(path: string): void {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE())
  const data = bytes.subarray(8 + length)
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString())
  const end = data.length + 80_000_000
  const text = Buffer.from(
    JSON.stringify({ ...header, unused: { dtype: 'U8', shape: [80_000_000], data_offsets: [data.length, end] } })
  )
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  const file = openSync(path, 'w')
  writeSync(file, Buffer.concat([prefix, text, data]))
  ftruncateSync(file, 8 + text.length + end)
  closeSync(file)
}
