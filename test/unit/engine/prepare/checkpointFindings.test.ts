import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportBase } from '../../../../src/engine/ask/exportBase'
import { inspectPath } from '../../../../src/engine/ask/inspect'
import type { TensorData } from '../../../../src/engine/formats/safetensorsWriter'
import { planRun, preflight } from '../../../../src/engine/plan/planRun'
import { Recipe } from '../../../../src/shared/recipe'
import { addTokenizer, configOf, copyCheckpoint, tensorsOf, writeCheckpoint } from '../../../helpers/checkpoints'
import { sampleModel, sampleText } from '../../../helpers/paths'
import { removedAfterTests } from '../../../helpers/removedAfter'
import { resolveText } from '../../../helpers/runs'

const made = removedAfterTests()
function copy(change?: (tensor: TensorData) => TensorData | undefined): string {
  const directory = copyCheckpoint(sampleModel, change)
  made(directory)
  addTokenizer(directory)
  return directory
}

function requestOf(model: string) {
  const files = [sampleText('sotu-calibration.txt')]
  const recipe = Recipe.parse({
    version: 1,
    model,
    calibration: { files, rows: 16 },
    variants: [{ method: 'svd', rank: 4 }]
  })
  return { recipe, calibration: files.map((path) => resolveText(path)), evaluation: [] }
}

/** Codes of the warnings of plan and preflight, which agree, and what inspecting says. */
async function warningsOf(model: string) {
  const request = requestOf(model)
  const planned = (await planRun({ ...request, measure: false })).findings
  expect((await preflight(request)).findings).toEqual(planned)
  const found = planned.filter(({ subject }) => subject === 'model')
  const { warnings, problems } = await inspectPath(model)
  expect(problems).toEqual([])
  expect(warnings).toEqual(found.map(({ message }) => message))
  return found
}

describe('what a trainer could load otherwise', () => {
  it('is nothing for a sound checkpoint', async () => {
    expect(await warningsOf(copy())).toEqual([])
  })

  it.each([['adapter_model.safetensors'], ['adapter_model.bin']])(
    'is an adapter beside the model: %s',
    async (file) => {
      const directory = copy()
      writeFileSync(join(directory, 'adapter_config.json'), '{}')
      writeFileSync(join(directory, file), '')
      const [finding] = await warningsOf(directory)
      expect(finding).toMatchObject({ code: 'ADAPTER_INSIDE', severity: 'warning' })
      expect(finding?.message).toContain(`adapter_config.json, ${file}`)
      expect(finding?.message).toContain('move these files to a folder of their own')
    }
  )

  it('is not the weights of an adapter without its config, which transformers does not look at', async () => {
    const directory = copy()
    writeFileSync(join(directory, 'adapter_model.safetensors'), '')
    expect(await warningsOf(directory)).toEqual([])
  })

  it('is another head than the embedding that it is tied to, which stays in an exported base', async () => {
    const own = tensorsOf(sampleModel).flatMap((tensor) => {
      if (tensor.name !== 'model.embed_tokens.weight') return [tensor]
      return [tensor, { ...tensor, name: 'lm_head.weight', data: Buffer.from(tensor.data).map((byte) => byte ^ 0x80) }]
    })
    const directory = writeCheckpoint(configOf(sampleModel), own)
    made(directory)
    addTokenizer(directory)
    const [finding] = await warningsOf(directory)
    expect(finding?.code).toBe('OTHER_HEAD')
    expect((await inspectPath(directory)).model).toMatchObject({ tiedHead: false })
    const quantizer = { format: 'nf4', blockSize: 64, doubleQuantization: true } as const
    const options = { quantizer, dtype: 'bfloat16', computeDtype: 'float32', maxShardBytes: 5e9 } as const
    const out = join(directory, 'base')
    const { notes } = await exportBase({ model: directory, out, ...options }, new AbortController().signal)
    expect(notes).toEqual([finding?.message])
    const stored = tensorsOf(out).find(({ name }) => name === 'lm_head.weight')
    expect(stored?.data).toEqual(own.find(({ name }) => name === 'lm_head.weight')?.data)
  })

  it('is a tensor that two shards hold, of which the last counts', async () => {
    const tensors = tensorsOf(sampleModel)
    const directory = writeCheckpoint(configOf(sampleModel), [...tensors.slice(0, 2), ...tensors.slice(1)], 2)
    made(directory)
    addTokenizer(directory)
    const [finding, ...others] = await warningsOf(directory)
    expect(finding).toMatchObject({ code: 'TENSOR_TWICE', severity: 'warning' })
    expect(finding?.message).toMatch(/ lies in model-00001-of-00002\.safetensors and again in model-00002-of-0/)
    expect(others).toEqual([])
  })

  /** What ends in a name, from BF16 to F32. */
  const widened =
    (end: string) =>
    (tensor: TensorData): TensorData => {
      if (!tensor.name.endsWith(end)) return tensor
      const data = new Uint8Array(2 * tensor.data.length)
      for (let i = 0; i < tensor.data.length; i += 2) data.set(tensor.data.subarray(i, i + 2), 2 * i + 2)
      return { ...tensor, dtype: 'F32', data }
    }

  it('is linears that are stored in several dtypes', async () => {
    const model = copy(widened('down_proj.weight'))
    const [finding] = await warningsOf(model)
    expect(finding).toMatchObject({ code: 'MIXED_DTYPES' })
    expect(finding?.message).toContain('BF16 and F32')
    expect(finding?.message).toContain('load them in float32')
    const planned = await planRun({ ...requestOf(model), measure: false })
    expect(planned.model).toMatchObject({ dtypes: ['BF16', 'F32'], loadedAs: 'F32' }) // its snippet says the latter
  })

  it('is what beside the linears is stored in a wider dtype, which a trainer rounds', async () => {
    const model = copy(widened('input_layernorm.weight'))
    const [finding, ...others] = await warningsOf(model)
    expect(finding).toMatchObject({ code: 'ROUNDED_TENSORS', severity: 'info' })
    expect(finding?.message).toMatch(
      /model\.layers\.0\.input_layernorm\.weight \(and 3 more tensors\) as F32 and its linears as BF16: /
    )
    expect(others).toEqual([])
  })

  it('is a scale beside a weight that is not quantized any more', async () => {
    const scale = (name: string): TensorData => ({ name, dtype: 'F32', shape: [1], data: new Uint8Array(4) })
    const model = writeCheckpoint(configOf(sampleModel), [
      ...tensorsOf(sampleModel),
      scale('model.layers.0.self_attn.q_proj.weight_scale_inv')
    ])
    made(model)
    addTokenizer(model)
    const [finding] = await warningsOf(model)
    expect(finding).toMatchObject({ code: 'SCALES_LEFT', severity: 'warning' })
    expect(finding?.message).toMatch(/holds model\.layers\.0\.self_attn\.q_proj\.weight_scale_inv beside weights/)
  })
})
