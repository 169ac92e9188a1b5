import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { exportBase } from '../../src/engine/ask/exportBase'
import { verifyAdapter } from '../../src/engine/ask/verify'
import { decodeFloats, encodeFloats } from '../../src/engine/formats/dtypes'
import type { TensorData } from '../../src/engine/formats/safetensorsWriter'
import type { BaseExportRequest } from '../../src/shared/baseExport'
import { characterModel } from '../helpers/characterModel'
import { addTokenizer, configOf, familyDirectory, tensorsOf, writeCheckpoint } from '../helpers/checkpoints'
import { exportedBase } from '../helpers/exportedBase'
import { narrowModel } from '../helpers/narrowModel'
import { finishedOf, makeRun, runToEnd, type TestRun } from '../helpers/runs'

/*
 * Runs whose Q comes from a pre-quantized checkpoint. Its reader is compared with files of bitsandbytes in test/golden.
 */

const LINEAR = 'model.layers.1.mlp.up_proj'

let base: string

async function quantized(
  model: string,
  doubleQuantization = true,
  dtype: BaseExportRequest['dtype'] = 'bfloat16'
): Promise<string> {
  const out = join(mkdtempSync(join(tmpdir(), 'quail-base-')), 'base')
  const quantizer = { format: 'nf4', blockSize: 64, doubleQuantization } as const
  const rest = { dtype, computeDtype: 'float32', maxShardBytes: 5e9 } as const
  await exportBase({ model, out, quantizer, ...rest }, new AbortController().signal)
  return out
}

beforeAll(async () => {
  base = await quantized(narrowModel)
})

/** The base with its tensors changed; what `change` leaves out is gone. */
const changed = (change: (tensor: TensorData) => TensorData[]): string =>
  writeCheckpoint(configOf(base), tensorsOf(base).flatMap(change))

/** The matrix in bfloat16 with an update of rank 1, whose size is a share of its own. */
function withRankOne(tensor: TensorData, share: number): TensorData {
  const [rows = 0, columns = 0] = tensor.shape
  const values = new Float32Array(rows * columns)
  decodeFloats(tensor.data, 'BF16', values)
  const size = share * Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)
  const moved = values.map((x, i) => x + size * 2 * Math.sin(Math.floor(i / columns)) * Math.sin(2 * (i % columns) + 1))
  return { ...tensor, data: encodeFloats(moved, 'BF16') }
}

const adapterOf = ({ record }: TestRun): string => join(record.out, 'quailora-r8')
const weightsOf = (run: TestRun): Buffer => readFileSync(join(adapterOf(run), 'adapter_model.safetensors'))
const proofOf = (run: TestRun) => JSON.parse(readFileSync(join(adapterOf(run), 'quail.json'), 'utf8'))

async function executed(run: TestRun): Promise<TestRun> {
  const { status, error } = finishedOf(await runToEnd(run))
  expect([status, error]).toEqual(['completed', undefined])
  return run
}

const failure = async (changes: Parameters<typeof makeRun>[0]): Promise<string | undefined> =>
  finishedOf(await runToEnd(makeRun(changes))).error?.message

it('is compared with the model in all that is not quantized', async () => {
  const warnings = async (changes: Parameters<typeof makeRun>[0]) =>
    (await runToEnd(makeRun(changes))).flatMap((event) => (event.type === 'warning' ? event.code : []))
  expect(await warnings({ base })).not.toContain('OTHER_BASE')
  const moved = changed((tensor) => {
    if (tensor.name !== 'model.embed_tokens.weight') return [tensor]
    const data = Uint8Array.from(tensor.data)
    data[data.length - 1] = (data.at(-1) ?? 0) ^ 0x80 // the sign of its last value
    return [{ ...tensor, data }]
  })
  const run = makeRun({ base: moved })
  const [said] = (await runToEnd(run)).flatMap((event) =>
    event.type === 'warning' && event.code === 'OTHER_BASE' ? event.message : []
  )
  expect(said).toMatch(/holds other values than the model in model\.embed_tokens\.weight: Quail computes/)
})

it('is told from one that was made from other weights in some of its linears', async () => {
  const warnings = async (changes: Parameters<typeof makeRun>[0]) =>
    (await runToEnd(makeRun(changes))).flatMap((event) =>
      event.type === 'warning' && event.code === 'OTHER_WEIGHTS' ? event.message : []
    )
  const name = 'model.layers.1.self_attn.v_proj.weight'
  // As LoRA is merged: an update of rank 1, in size a fiftieth of the weight.
  const tuned = tensorsOf(narrowModel).map((tensor) => (tensor.name === name ? withRankOne(tensor, 0.02) : tensor))
  const model = writeCheckpoint(configOf(narrowModel), tuned)
  addTokenizer(model)
  expect(await warnings({ base, model })).toEqual([
    expect.stringMatching(
      /^the base .* is not made from the weights of the model in model\.layers\.1\.self_attn\.v_proj: an adapter/
    )
  ])
  // What rounds elsewhere is the same base: transformers makes it in the dtype that it is told.
  for (const dtype of ['bfloat16', 'float16', 'float32'] as const)
    expect(await warnings({ base: await quantized(narrowModel, true, dtype) })).toEqual([])
})

it('gives the adapter of a run that quantizes, when the base holds just that', async () => {
  const [stored, fresh] = [await executed(makeRun({ base })), await executed(makeRun())]
  expect(weightsOf(stored).equals(weightsOf(fresh))).toBe(true)
  const [proof, other] = [proofOf(stored), proofOf(fresh)]
  expect(proof.perplexity).toEqual(other.perplexity)
  expect(proof.fingerprint).toMatchObject({
    algorithm: 'sha256-stored-linears-1',
    base: 'base',
    codes: other.fingerprint.codes
  })
  expect(other.fingerprint).not.toHaveProperty('base')

  const card = readFileSync(join(adapterOf(stored), 'README.md'), 'utf8')
  expect(card).toContain('base_model: "base"')
  expect(card).toContain('from_pretrained("base", dtype=torch.bfloat16)')
  expect(card).not.toContain('BitsAndBytesConfig')

  expect(await verifyAdapter(adapterOf(stored), base)).toMatchObject({ fits: true })
  expect(await verifyAdapter(adapterOf(stored), narrowModel)).toMatchObject({ fits: true })
})

it.each([
  ['BF16', 2],
  ['F32', 4]
] as const)('takes codes that are stored as %s, among which are some that would be NaN', async (dtype, width) => {
  const own = changed((tensor) => {
    const { name, shape, data } = tensor
    if (!name.endsWith('_proj.weight')) return [tensor]
    return [{ ...tensor, dtype, shape: [(shape[0] as number) / width, 1], data }]
  })
  expect(weightsOf(await executed(makeRun({ base: own }))).equals(weightsOf(await executed(makeRun({ base }))))).toBe(
    true
  )
})

it('takes Q from the file, a linear in full precision included, and a resumed run gives the same bytes', async () => {
  const full = tensorsOf(narrowModel).find(({ name }) => name === `${LINEAR}.weight`) as TensorData
  const own = changed((tensor) => {
    if (tensor.name === `${LINEAR}.weight`) return [full]
    if (tensor.name.startsWith(`${LINEAR}.weight.`)) return []
    if (tensor.name !== 'model.layers.2.self_attn.q_proj.weight') return [tensor]
    return [{ ...tensor, data: tensor.data.map((pair) => pair ^ 0x11) }]
  })
  const run = await executed(makeRun({ base: own }))
  const layers = new Map(proofOf(run).layers.map((layer: { name: string }) => [layer.name, layer]))
  const usual = await executed(makeRun({ base }))
  const before = new Map(proofOf(usual).layers.map((layer: { name: string }) => [layer.name, layer]))
  const lossOf = (of: Map<unknown, unknown>, name: string) => (of.get(name) as { lossRank0: number }).lossRank0
  expect(lossOf(layers, LINEAR)).toBe(0)
  expect(lossOf(before, LINEAR)).toBeGreaterThan(0)
  const other = 'model.layers.2.self_attn.q_proj'
  expect(lossOf(layers, other)).toBeGreaterThan(1.5 * lossOf(before, other))
  const untouched = 'model.layers.0.self_attn.q_proj'
  expect(lossOf(layers, untouched)).toBe(lossOf(before, untouched))

  const interrupted = makeRun({ base: own })
  await runToEnd(interrupted, ({ type }) => type === 'blockFinished')
  await executed(interrupted)
  expect(weightsOf(interrupted).equals(weightsOf(run))).toBe(true)
  expect(await verifyAdapter(adapterOf(run), own)).toMatchObject({ fits: true })
  expect((await verifyAdapter(adapterOf(run), narrowModel)).summary).toMatch(
    /quantizes to other values than those that the adapter was made for; give the pre-quantized checkpoint quail-model-.+ that/
  )
  expect(await verifyAdapter(adapterOf(run), base)).toMatchObject({
    fits: false,
    summary: expect.stringContaining(`${LINEAR} holds other values`)
  })
})

it('is said to be that of an adapter that a run which quantizes made, where it holds the same codes and scales', async () => {
  const single = [{ method: 'quailora', rank: 8, quantizer: { doubleQuantization: false } }]
  const [double, plain] = [await executed(makeRun()), await executed(makeRun({ variants: single }))]
  const stored = await quantized(narrowModel, false)
  const verdict = async (run: TestRun, model: string) => (await verifyAdapter(adapterOf(run), model)).summary
  expect(await verdict(double, base)).toMatch(/^the adapter fits: /)
  expect(await verdict(plain, stored)).toMatch(/^the adapter fits: /)
  expect(await verdict(double, stored)).toMatch(/is quantized as nf4-b64, the adapter was made for nf4-b64-dq$/)
  const flipped = (of: string, name: string) =>
    tensorsOf(of).map((tensor) =>
      tensor.name === name ? { ...tensor, data: tensor.data.map((byte) => byte ^ 1) } : tensor
    )
  const codes = writeCheckpoint(configOf(base), flipped(base, `${LINEAR}.weight`))
  expect(await verdict(double, codes)).toContain(`${LINEAR} holds other values`)
  const scales = writeCheckpoint(configOf(stored), flipped(stored, `${LINEAR}.weight.absmax`))
  expect(await verdict(plain, scales)).toContain(`${LINEAR} holds other values`)
})

it('is said to fit no adapter where it quantizes what then cannot be trained', async () => {
  const { model, text } = characterModel('gemma3n_text')
  const [calibration, variants] = [{ files: [text], rows: 4 }, [{ method: 'quailora', rank: 8 }]]
  const run = await executed(makeRun({ model, calibration, evaluation: undefined, context: 16, variants }))
  const own = await exportedBase(model)
  expect(await verifyAdapter(adapterOf(run), own)).toMatchObject({ fits: true })
  const tensors = tensorsOf(own)
  const state = tensors.find(({ name }) => name.includes('.quant_state.')) as TensorData
  const name = 'model.layers.0.altup.prediction_coefs.weight.quant_state.bitsandbytes__nf4'
  const further = writeCheckpoint(configOf(own), [...tensors, { ...state, name }])
  expect(await verifyAdapter(adapterOf(run), further)).toMatchObject({
    fits: false,
    summary: expect.stringContaining(
      'prediction_coefs.weight quantized; transformers cannot train a base that quantizes them'
    )
  })
})

it('refuses to go on with another base or another model than the run was started with', async () => {
  const other = changed((tensor) =>
    tensor.name === 'model.layers.0.mlp.down_proj.weight'
      ? [{ ...tensor, data: tensor.data.map((pair, i) => (i === 5 ? pair ^ 1 : pair)) }]
      : [tensor]
  )
  const model = writeCheckpoint(
    configOf(narrowModel),
    tensorsOf(narrowModel).map((tensor) =>
      tensor.name === 'model.layers.0.mlp.down_proj.weight'
        ? { ...tensor, data: tensor.data.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) }
        : tensor
    )
  )
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(narrowModel, file), join(model, file))
  const run = makeRun({ base })
  await runToEnd(run, ({ type }) => type === 'blockFinished')
  for (const changes of [{ base: other }, { model }]) {
    const record = { ...run.record, recipe: { ...run.record.recipe, ...changes } }
    const message = finishedOf(await runToEnd({ folder: run.folder, record })).error?.message
    expect(message).toContain('model.layers.0.mlp.down_proj has changed since the run was started')
    expect(message).toContain(Object.values(changes)[0])
  }
})

it('refuses a base that is not of this model, or not what the recipe asks for', async () => {
  expect(await failure({ base: narrowModel })).toContain('is in full precision')
  expect(await failure({ base: await quantized(narrowModel, false) })).toMatch(
    /the base .+ is quantized as nf4-b64, the recipe asks for nf4-b64-dq: variants on it need --quantizer nf4 --block-size 64 --no-double-quant$/
  )
  expect(await failure({ base: await quantized(familyDirectory('gpt_neox')) })).toContain(
    'is a gpt_neox, the model is a llama'
  )
  expect(await failure({ base: await quantized(familyDirectory('llama')) })).toContain(
    'model.layers.0.self_attn.q_proj was quantized from a weight of shape [48,48]'
  )
  const without = changed((tensor) => (tensor.name.startsWith(`${LINEAR}.weight`) ? [] : [tensor]))
  expect(await failure({ base: without })).toContain(`tensor ${LINEAR}.weight is missing`)
  const lying = writeCheckpoint(
    { ...configOf(base), quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } },
    tensorsOf(base)
  )
  expect(await failure({ base: lying })).toMatch(/config.json says fp4-b64, but .+ is quantized as nf4-b64-dq/)
})
