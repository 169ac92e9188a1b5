import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import type { TensorData } from '../../../../src/engine/formats/safetensorsWriter'
import { quantizedWeights, readFourBit, readQuantState } from '../../../../src/engine/quantizers/storedFourBit'
import { tensorsOf, writeCheckpoint } from '../../../helpers/checkpoints'
import { goldenCopies } from '../../../helpers/paths'

const golden = join(goldenCopies, 'prequantized/nf4-dq')
const weight = 'model.layers.1.mlp.up_proj.weight'
const STATE = `${weight}.quant_state.bitsandbytes__nf4`

/** Reads the weight from the golden checkpoint after a change to one of its tensors. */
async function read(name: string, change: (tensor: TensorData) => Partial<TensorData> | undefined) {
  const config = JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8'))
  const tensors = tensorsOf(golden).flatMap((tensor) => {
    if (tensor.name !== name) return [tensor]
    const changes = change(tensor)
    return changes === undefined ? [] : [{ ...tensor, ...changes }]
  })
  const checkpoint = await Checkpoint.openAny(writeCheckpoint(config, tensors))
  try {
    const state = await readQuantState(checkpoint, weight)
    return state && (await readFourBit(checkpoint, weight, state))
  } finally {
    await checkpoint.close()
  }
}

const text = (value: string): Partial<TensorData> => {
  const data = new TextEncoder().encode(value)
  return { data, shape: [data.length] }
}
const edited =
  (from: string, to: string) =>
  ({ data }: TensorData) =>
    text(new TextDecoder().decode(data).replace(from, to))

it.each([
  ['a state that is no JSON', STATE, () => text('{"quant_type": '), 'ends where a value was expected'],
  ['a state that is a list', STATE, () => text('[]'), 'is not a JSON object'],
  ['a state that is not UTF-8', STATE, () => ({ data: new Uint8Array([0xff]), shape: [1] }), 'is not a JSON object'],
  ['another format', STATE, edited('nf4', 'fp4'), 'says quant_type "fp4", nf4 was expected'],
  ['an unknown block size', STATE, edited('64', '65'), 'says blocksize 65, 32, 64, 128'],
  ['another nested block size', STATE, edited('256', '512'), 'says nested_blocksize 512, 256 was expected'],
  ['a shape of one dimension', STATE, edited('[88, 48]', '[4224]'), 'says shape [4224]'],
  ['an offset that is no number', STATE, edited('"nested_offset": 0', '"nested_offset": "x", "y": 0'), '"x", a number'],
  [
    'a shape that the codes do not have',
    STATE,
    edited('[88, 48]', '[88, 50]'),
    `${weight} is U8 of shape [2112,1], 2200`
  ],
  ['scales that are missing', `${weight}.nested_absmax`, () => undefined, 'is missing, 1 values of F32 were expected'],
  [
    'scales of another dtype',
    `${weight}.absmax`,
    () => ({ dtype: 'I8' as const }),
    'is I8 of shape [66], 66 values of U8'
  ],
  [
    'other levels',
    `${weight}.quant_map`,
    ({ data }: TensorData) => ({ data: new Uint8Array(data).fill(0, 0, 4) }),
    'has level 0 for code 0, nf4 has -1'
  ],
  ['codes without a state', STATE, () => undefined, `${weight} is U8 without a quant_state of nf4 or fp4`]
])('refuses %s', async (_, name, change, message) => {
  await expect(read(name, change)).rejects.toMatchObject({
    code: 'BAD_FORMAT',
    message: expect.stringContaining(message)
  })
})

it('takes codes under another storage dtype, and a map whose lowest level bitsandbytes 0.49 had changed', async () => {
  const plain = await read('', () => ({}))
  const stored = await read(weight, () => ({ dtype: 'BF16', shape: [1056, 1] }))
  expect(stored?.packed).toEqual(plain?.packed)
  const older = await read(`${weight}.nested_quant_map`, ({ data }) => {
    const map = new Float32Array(data.slice().buffer)
    map[0] = -1
    return { data: new Uint8Array(map.buffer) }
  })
  expect(older?.nested?.map?.[0]).toBe(-1)
})

it('tells weights in full precision from quantized ones', async () => {
  const checkpoint = await Checkpoint.openAny(golden)
  expect(quantizedWeights(checkpoint)).toHaveLength(14)
  expect(await readQuantState(checkpoint, 'lm_head.weight')).toBeUndefined()
  await checkpoint.close()
})
