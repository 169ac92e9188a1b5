import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { MAX_PICKLE_TEXT_BYTES } from '../../../../src/engine/formats/limits'
import { readPickle } from '../../../../src/engine/formats/pickle'
import { TORCH_RULES } from '../../../../src/engine/formats/torchObjects'
import { WeightFile } from '../../../../src/engine/formats/weightFile'
import { AppError } from '../../../../src/shared/errors'

const fixture = (name: string): string => resolve(import.meta.dirname, '../../../fixtures/torch', name)
const root = mkdtempSync(join(tmpdir(), 'quail-torch-'))
afterAll(() => rmSync(root, { recursive: true }))

/** Every tensor of a weight file with its bytes. */
async function contents(path: string) {
  const file = await WeightFile.open(path)
  try {
    const all: Record<string, unknown> = Object.create(null)
    for (const { name, dtype, shape, begin, end } of file.header.tensors.values()) {
      const bytes = new Uint8Array(end - begin)
      await file.read(bytes, begin)
      all[name] = { dtype, shape, bytes: Buffer.from(bytes).toString('hex') }
    }
    return all
  } finally {
    await file.close()
  }
}

async function refusal(path: string): Promise<string> {
  const error = await contents(path).then(
    () => undefined,
    (reason: unknown) => reason
  )
  expect(error).toBeInstanceOf(AppError)
  expect((error as AppError).code).toBe('BAD_FORMAT')
  expect((error as AppError).message.startsWith(path)).toBe(true)
  return (error as AppError).message.slice(path.length)
}

/** A changed copy of a fixture. */
function changed(name: string, change: (bytes: Buffer) => Buffer): string {
  const path = join(root, 'changed.bin')
  writeFileSync(path, change(readFileSync(fixture(name))))
  return path
}

const patched = (at: (bytes: Buffer) => number, byte: number) => (bytes: Buffer) => {
  bytes[at(bytes)] = byte
  return bytes
}
const firstCentral = (bytes: Buffer): number => bytes.indexOf('PK\x01\x02', 0, 'latin1')

describe('a torch file', () => {
  it('holds the values that torch says, in every dtype, tied, as views, as parameters, empty', async () => {
    const found = await contents(fixture('tensors.bin'))
    expect(found).toEqual(await contents(fixture('tensors.safetensors')))
    expect(Object.keys(found)).toHaveLength(22)
  })

  it('lets tied weights share their bytes', async () => {
    const file = await WeightFile.open(fixture('tensors.bin'))
    const { tensors } = file.header
    await file.close()
    expect(tensors.get('tied')).toEqual({ ...tensors.get('embedding'), name: 'tied' })
  })

  it('may have been zipped anew without compression', async () => {
    expect(await contents(fixture('rezipped.bin'))).toEqual(await contents(fixture('plain.bin')))
  })

  it.each([
    ['malicious.bin', /the file wants to use "(posix|nt)\.system"; only dictionaries of .* Nothing of it was run$/],
    ['called.bin', /data\.pkl, byte 2: the file wants to use "builtins\.eval"/],
    ['legacy.bin', / is a torch file of the old form, .*: convert the model with transformers: .*save_pretrained/],
    ['compressed.bin', /zip entry "plain\/data\.pkl" is compressed \(method 8\); stored entries, .* were expected/],
    ['bigEndian.bin', /byteorder is "big", "little" was expected/],
    ['protocol4.bin', /pickle protocol 4; 2, .* was expected/],
    ['list.bin', /operation EMPTY_LIST \(0x5d\) is not accepted/],
    ['transposed.bin', /tensor "weight" of shape \[3,2\] has strides \[1,3\], row-major order was expected; convert/],
    ['expanded.bin', /tensor "weight" of shape \[2,3\] has strides \[0,1\], row-major order was expected/],
    ['negated.bin', /a tensor has metadata, as of values that are stored negated; plain values were expected/],
    ['complex.bin', /wants to use "torch\.ComplexFloatStorage"/],
    ['float8.bin', /wants to use "torch\._utils\._rebuild_tensor_v3"/],
    ['sparse.bin', /wants to use "torch\._utils\._rebuild_sparse_tensor"/],
    ['nested.bin', /tensor "model" is a dictionary, a tensor was expected/],
    ['number.bin', /tensor "step" is the value 3, a tensor was expected/],
    ['bare.bin', /holds no dictionary of tensors by name/]
  ])('is refused by name: %s', async (name, message) => {
    expect(await refusal(fixture(name))).toMatch(message)
  })

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['an encrypted entry', patched((b) => firstCentral(b) + 8, 1), /zip entry "plain\/data\.pkl" is encrypted/],
    ['a missing end', (b) => b.subarray(0, b.length - 1), /truncated or has trailing bytes/],
    ['trailing bytes', (b) => Buffer.concat([b, b.subarray(0, 3)]), /truncated or has trailing bytes/],
    ['an entry elsewhere', patched((b) => firstCentral(b) + 42, 1), /has no header where the zip directory says/],
    ['an entry outside', patched((b) => firstCentral(b) + 45, 0x7f), /lies outside the file/],
    ['an entry twice', twice, /overlaps the entry before it|is there twice/],
    ['another split', patched((b) => b.length - 18, 1), /the zip archive is split/]
  ])('is refused with %s', async (_, change, message) => {
    expect(await refusal(changed('plain.bin', change))).toMatch(message)
  })
})

/** The second central entry made to point at the header of the first. */
function twice(bytes: Buffer): Buffer {
  const first = firstCentral(bytes)
  const second = bytes.indexOf('PK\x01\x02', first + 4, 'latin1')
  bytes.copy(bytes, second + 42, first + 42, first + 46)
  return bytes
}

describe('a checkpoint of torch files', () => {
  it('is read through its index', async () => {
    const checkpoint = await Checkpoint.open(fixture('sharded'))
    expect([...checkpoint.tensors.keys()].sort()).toEqual(['a.bias', 'a.weight', 'b.weight'])
    expect([...(await checkpoint.readRows('b.weight', 1, 2))]).toEqual([4, 5, 6, 7])
    const row = new Float32Array(3)
    checkpoint.readRow('a.weight', 1, row, 0)
    expect([...row]).toEqual([3, 4, 5])
    await checkpoint.close()
  })

  it('is not looked at beside safetensors', async () => {
    copyFileSync(fixture('malicious.bin'), join(root, 'pytorch_model.bin'))
    copyFileSync(fixture('tensors.safetensors'), join(root, 'model.safetensors'))
    writeFileSync(join(root, 'config.json'), '{}')
    const checkpoint = await Checkpoint.open(root)
    expect(checkpoint.files.map(({ name }) => name)).toEqual(['model.safetensors'])
    await checkpoint.close()
  })
})

describe('a pickle that wants too much', () => {
  const PROTOCOL = [0x80, 2]
  it.each([
    ['marks', [...PROTOCOL, ...Array(200).fill(0x28)], /nests deeper than 128/],
    ['stack', [...PROTOCOL, ...Array(70_000).fill(0x4e)], /stacks more than 65536 values/],
    ['text', [...PROTOCOL, 0x58, 1, 0, 1, 0], new RegExp(`a text of 65537 bytes; at most ${MAX_PICKLE_TEXT_BYTES}`)],
    ['long', [...PROTOCOL, 0x8a, 200], /a number of 200 bytes/],
    ['name', [...PROTOCOL, 0x63, ...Array(300).fill(0x61)], /a name is longer than 256 bytes/],
    ['end', PROTOCOL, /ends in the middle of an operation/],
    ['pop', [...PROTOCOL, 0x52], /takes a value where none is/],
    ['memo', [...PROTOCOL, 0x68, 7], /value 7 is used before it is stored/],
    [
      'values',
      [...PROTOCOL, 0x7d, ...Array(2_100_000).fill([0x4e, 0x29, 0x73]).flat()],
      /makes more than 4000000 values/
    ]
  ])('is stopped: %s', (_, bytes, message) => {
    expect(() => readPickle(Uint8Array.from(bytes), TORCH_RULES, 'x')).toThrow(message)
  })

  it('may hold itself', () => {
    // d = {}; d["a"] = d
    const bytes = [...PROTOCOL, 0x7d, 0x71, 0, 0x58, 1, 0, 0, 0, 0x61, 0x68, 0, 0x73, 0x2e]
    expect(() => readPickle(Uint8Array.from(bytes), TORCH_RULES, 'x')).not.toThrow()
  })
})
