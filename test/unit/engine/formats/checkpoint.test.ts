import { createHash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Checkpoint } from '../../../../src/engine/formats/checkpoint'
import { encodeFloats, type FloatDtype } from '../../../../src/engine/formats/dtypes'
import { type TensorData, writeSafetensors } from '../../../../src/engine/formats/safetensorsWriter'
import { type HostileFile, writeHostileDirectory } from '../../../helpers/hostileFile'

const root = mkdtempSync(join(tmpdir(), 'quail-checkpoint-'))
afterAll(() => rmSync(root, { recursive: true }))

let made = 0
function newDirectory(files: Record<string, HostileFile> = {}): string {
  const directory = join(root, `checkpoint-${made++}`)
  writeHostileDirectory(directory, { 'config.json': '{"model_type":"llama","hidden_size":4}', ...files })
  return directory
}

const tensor = (name: string, dtype: FloatDtype, shape: number[], values: Float32Array): TensorData => ({
  name,
  dtype,
  shape,
  data: encodeFloats(values, dtype)
})

/** Integers up to 250: exact in all three dtypes. */
const counted = (length: number, first = 0): Float32Array => Float32Array.from({ length }, (_, i) => (first + i) % 251)

async function withCheckpoint(directory: string, use: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
  const checkpoint = await Checkpoint.open(directory)
  try {
    await use(checkpoint)
  } finally {
    await checkpoint.close()
  }
}

describe('config.json', () => {
  it('and its digest are of one file, though others are put in its place all the time', async () => {
    const directory = newDirectory()
    await writeSafetensors(join(directory, 'model.safetensors'), [tensor('w', 'F32', [2], counted(2))])
    const [path, other] = [join(directory, 'config.json'), join(directory, 'other.json')]
    const texts = [4, 8].map((size) => JSON.stringify({ model_type: 'llama', hidden_size: size }))
    let opened = 0
    const swap = async () => {
      for (let i = 0; opened < 60; i++) {
        writeFileSync(other, texts[i % 2] as string)
        await rename(other, path)
      }
    }
    const open = async () => {
      for (; opened < 60; opened++)
        await withCheckpoint(directory, async ({ config, configSha256 }) => {
          const text = config.hidden_size === 4 ? texts[0] : texts[1]
          expect(configSha256).toBe(
            createHash('sha256')
              .update(text as string)
              .digest('hex')
          )
        })
    }
    await Promise.all([swap(), open().finally(() => (opened = 60))])
  })
})

describe('a single file', () => {
  it.each(['F32', 'BF16', 'F16'] as const)('is read by tensors, rows and single rows in %s', async (dtype) => {
    const directory = newDirectory()
    const values = counted(60)
    await writeSafetensors(join(directory, 'model.safetensors'), [
      tensor('first', dtype, [7], counted(7, 3)), // 14 or 28 bytes: what follows is not aligned to 16
      tensor('w', dtype, [12, 5], values)
    ])
    await withCheckpoint(directory, async (checkpoint) => {
      expect(checkpoint.dtypeOf('w')).toBe(dtype)
      expect(await checkpoint.readFloat32('w')).toEqual(values)
      expect(await checkpoint.readFloat32('first')).toEqual(counted(7, 3))
      expect(await checkpoint.readRows('w', 3, 4)).toEqual(values.subarray(15, 35))
      expect(await checkpoint.readRows('w', 12, 0)).toEqual(new Float32Array(0))
      const target = new Float32Array(12).fill(-1)
      checkpoint.readRow('w', 11, target, 6)
      checkpoint.readRow('w', 0, target, 1)
      expect([...target]).toEqual([-1, ...values.subarray(0, 5), ...values.subarray(55, 60), -1])
    })
  })

  it('is read in pieces that fit together, also by reads that overlap in time', async () => {
    const directory = newDirectory()
    const shape = [1500, 2000] // 12 MB of float32, 6 MB of bfloat16: several pieces of 4 MiB
    const values = counted(3_000_000)
    await writeSafetensors(join(directory, 'model.safetensors'), [
      tensor('single', 'F32', shape, values),
      tensor('half', 'BF16', shape, values)
    ])
    await withCheckpoint(directory, async (checkpoint) => {
      const read = await Promise.all(['single', 'half', 'half'].map((name) => checkpoint.readFloat32(name)))
      for (const result of read) expect(Buffer.from(result.buffer).equals(Buffer.from(values.buffer))).toBe(true)
    })
  })

  it.each(['BF16', 'F16', 'F32'] as const)(
    'gives the bits of %s beside the values, where there are 16',
    async (dtype) => {
      const directory = newDirectory()
      const shape = [1500, 2000]
      const values = counted(3_000_000)
      await writeSafetensors(join(directory, 'model.safetensors'), [
        tensor('w', dtype, shape, values),
        tensor('infinite', dtype, [2], Float32Array.of(1, Number.NEGATIVE_INFINITY))
      ])
      await withCheckpoint(directory, async (checkpoint) => {
        const { values: read, bits } = await checkpoint.readWithBits('w')
        expect(Buffer.from(read.buffer).equals(Buffer.from(values.buffer))).toBe(true)
        expect(bits?.dtype).toBe(dtype === 'F32' ? undefined : dtype)
        const stored = encodeFloats(values, dtype)
        if (bits !== undefined) expect(Buffer.from(bits.data.buffer).equals(stored)).toBe(true)
        const part = await checkpoint.readPartBits('w', 7, 2001)
        expect(part && { ...part, data: [...part.data] }).toEqual(
          bits && { dtype, data: [...bits.data.subarray(7, 7 + 2001)] }
        )
        await expect(checkpoint.readPartBits('w', 2_999_999, 2)).rejects.toThrow(
          'elements 2999999 to 3000000 of w asked'
        )
        await expect(checkpoint.readWithBits('infinite')).rejects.toMatchObject({
          code: 'BAD_FORMAT',
          message: expect.stringContaining('-Infinity at index [1]')
        })
      })
    }
  )

  it('tells its config, files, sizes and names', async () => {
    const directory = newDirectory()
    const path = join(directory, 'model.safetensors')
    await writeSafetensors(path, [
      tensor('w', 'F32', [3, 2], counted(6)),
      tensor('scalar', 'F32', [], counted(1)),
      tensor('__proto__', 'F16', [4], counted(4))
    ])
    await withCheckpoint(directory, async (checkpoint) => {
      const bytes = statSync(path).size
      expect(checkpoint.directory).toBe(directory)
      expect(checkpoint.config.hidden_size).toBe(4)
      expect(checkpoint.files).toEqual([{ name: 'model.safetensors', bytes, tensors: 3 }])
      expect(checkpoint.bytes).toBe(bytes)
      expect(checkpoint.parameters).toBe(11)
      expect(checkpoint.tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [3, 2], file: 'model.safetensors' })
      expect([checkpoint.has('__proto__'), checkpoint.has('constructor')]).toEqual([true, false])
      expect(await checkpoint.readFloat32('scalar')).toEqual(Float32Array.of(0))
    })
  })

  it('wins over an index beside it', async () => {
    const directory = newDirectory({ 'model.safetensors.index.json': 'not even JSON' })
    await writeSafetensors(join(directory, 'model.safetensors'), [tensor('w', 'F32', [1], counted(1))])
    await withCheckpoint(directory, async (checkpoint) => expect(checkpoint.has('w')).toBe(true))
  })

  it.each(['consolidated.safetensors', 'model.fp16.safetensors', 'pytorch_model.bin'])(
    'is read although %s lies beside it',
    async (other) => {
      const directory = newDirectory({ [other]: 'not read' })
      await writeSafetensors(join(directory, 'model.safetensors'), [tensor('w', 'F32', [1], counted(1))])
      await withCheckpoint(directory, async (checkpoint) => expect(checkpoint.files).toHaveLength(1))
    }
  )

  it('is the file that config.json names', async () => {
    const config = JSON.stringify({ model_type: 'llama', transformers_weights: 'mine.safetensors' })
    const directory = newDirectory({ 'model.safetensors': 'not read', 'config.json': config })
    await expect(Checkpoint.open(directory)).rejects.toThrow('transformers_weights is "mine.safetensors", but there is')
    await writeSafetensors(join(directory, 'mine.safetensors'), [tensor('w', 'F32', [1], counted(1))])
    await withCheckpoint(directory, async (checkpoint) => expect(checkpoint.has('w')).toBe(true))
    for (const named of ['../mine.safetensors', 'mine.bin', 7]) {
      writeFileSync(join(directory, 'config.json'), JSON.stringify({ transformers_weights: named }))
      await expect(Checkpoint.open(directory)).rejects.toThrow('the name of a .safetensors file')
    }
  })

  it('is neither changed nor joined by other files', async () => {
    const directory = newDirectory()
    const path = join(directory, 'model.safetensors')
    await writeSafetensors(path, [tensor('w', 'BF16', [3, 2], counted(6))])
    const look = () => [
      readdirSync(directory),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
      statSync(path).mtimeMs
    ]
    const before = look()
    await withCheckpoint(directory, async (checkpoint) => void (await checkpoint.readFloat32('w')))
    expect(look()).toEqual(before)
  })
})

describe('shards', () => {
  it('are read as one checkpoint', async () => {
    const weight_map = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' }
    const index = JSON.stringify({ metadata: { total_size: 20 }, weight_map })
    const directory = newDirectory({ 'model.safetensors.index.json': index })
    await writeSafetensors(join(directory, weight_map.a), [tensor('a', 'F32', [2], counted(2))])
    await writeSafetensors(join(directory, weight_map.b), [tensor('b', 'BF16', [3, 2], counted(6, 9))])
    await withCheckpoint(directory, async (checkpoint) => {
      expect(checkpoint.files.map(({ name, tensors }) => [name, tensors])).toEqual([
        [weight_map.a, 1],
        [weight_map.b, 1]
      ])
      expect(checkpoint.parameters).toBe(8)
      expect(checkpoint.tensors.get('b')?.file).toBe(weight_map.b)
      expect(await checkpoint.readFloat32('a')).toEqual(counted(2))
      expect(await checkpoint.readRows('b', 1, 2)).toEqual(counted(4, 11))
    })
  })

  it.each([
    ['is not there', { a: 1, missing: 2 }],
    ['lies in another shard', { a: 2, b: 1 }]
  ])('may have an index that names a tensor which %s, as for transformers', async (_, placed) => {
    const shard = (i: number) => `model-0000${i}-of-00002.safetensors`
    const weight_map = Object.fromEntries(Object.entries(placed).map(([name, i]) => [name, shard(i)]))
    const directory = newDirectory({ 'model.safetensors.index.json': JSON.stringify({ weight_map }) })
    await writeSafetensors(join(directory, shard(1)), [tensor('a', 'F32', [2], counted(2))])
    await writeSafetensors(join(directory, shard(2)), [tensor('b', 'F32', [2], counted(2, 5))])
    await withCheckpoint(directory, async (checkpoint) => {
      expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b'])
      expect(await checkpoint.readFloat32('b')).toEqual(counted(2, 5))
    })
  })

  it.each([1, 2])(
    'may hold a tensor twice: the last counts, as for transformers, if the index names shard %i',
    async (i) => {
      const shard = (i: number) => `model-0000${i}-of-00002.safetensors`
      const weight_map = { b: shard(2), a: shard(1), twice: shard(i) }
      const directory = newDirectory({ 'model.safetensors.index.json': JSON.stringify({ weight_map }) })
      for (const [i, name] of ['a', 'b'].entries()) {
        await writeSafetensors(join(directory, shard(i + 1)), [
          tensor(name, 'F32', [2], counted(2)),
          tensor('twice', 'F32', [2], counted(2, 10 * i))
        ])
      }
      await withCheckpoint(directory, async (checkpoint) => {
        expect(await checkpoint.readFloat32('twice')).toEqual(counted(2, 10))
        expect(checkpoint.replaced.map(({ name, file }) => [name, file])).toEqual([['twice', shard(1)]])
        expect(checkpoint.parameters).toBe(6)
      })
    }
  )
})

describe('reading', () => {
  it.each([
    { dtype: 'F32', bits: '7fc00000', offset: 20, index: 5, value: 'NaN' },
    { dtype: 'F32', bits: 'ff800000', offset: 0, index: 0, value: '-Infinity' },
    { dtype: 'BF16', bits: '00007f80', offset: 8, index: 4, value: 'Infinity' },
    { dtype: 'F16', bits: 'fe000000', offset: 8, index: 5, value: 'NaN' }
  ])('names the tensor and the place of a $value in $dtype', async ({ dtype, bits, offset, index, value }) => {
    const weights: HostileFile = { tensors: { w: [dtype, [3, 2]] }, bits: [[offset, bits]] }
    const directory = newDirectory({ 'model.safetensors': weights })
    const message = `${join(directory, 'model.safetensors')}: tensor w holds ${value} at row ${Math.floor(index / 2)}, column ${index % 2}; weights must be finite`
    await withCheckpoint(directory, async (checkpoint) => {
      const row = Math.floor(index / 2)
      await expect(checkpoint.readFloat32('w')).rejects.toMatchObject({ code: 'BAD_FORMAT', message })
      await expect(checkpoint.readRows('w', row, 1)).rejects.toMatchObject({ code: 'BAD_FORMAT', message })
      expect(() => checkpoint.readRow('w', row, new Float32Array(2), 0)).toThrow(message)
      const asBits = checkpoint.readPartBits('w', index, 1)
      if (dtype === 'F32') expect(await asBits).toBeUndefined()
      else await expect(asBits).rejects.toMatchObject({ code: 'BAD_FORMAT', message })
      checkpoint.readRow('w', (row + 1) % 3, new Float32Array(2), 0)
    })
  })

  it.each(['F64', 'I64', 'F8_E4M3'])('refuses weights of dtype %s, and opens the file all the same', async (dtype) => {
    const directory = newDirectory({ 'model.safetensors': { tensors: { w: [dtype, [2, 2]] } } })
    await withCheckpoint(directory, async (checkpoint) => {
      await expect(checkpoint.readFloat32('w')).rejects.toMatchObject({
        code: 'BAD_FORMAT',
        message: `${directory}: tensor w has dtype ${dtype}; F32, BF16, F16 are accepted`
      })
    })
  })

  it('names a tensor that is not there, rows that are not there, and a tensor that is no matrix', async () => {
    const directory = newDirectory({ 'model.safetensors': { tensors: { w: ['F32', [3, 2]], norm: ['F32', [2]] } } })
    await withCheckpoint(directory, async (checkpoint) => {
      await expect(checkpoint.readFloat32('v')).rejects.toThrow(`${directory} has no tensor "v"`)
      await expect(checkpoint.readRows('w', 2, 2)).rejects.toThrow('rows 2 to 3 of w asked for, it has 3 rows')
      const target = new Float32Array(2)
      for (const row of [3, -1, 0.5]) {
        expect(() => checkpoint.readRow('w', row, target, 0)).toThrow(`row ${row} of w asked for, it has 3 rows`)
      }
      expect(() => checkpoint.readRow('norm', 0, target, 0)).toThrow('norm has shape [2], a matrix was expected')
    })
  })

  it('names a tensor that no array holds', async () => {
    const size = 2 ** 17
    const header = JSON.stringify({ w: { dtype: 'BF16', shape: [size, size], data_offsets: [0, 2 * size * size] } })
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(header.length))
    const directory = newDirectory({})
    const file = join(directory, 'model.safetensors')
    writeFileSync(file, Buffer.concat([length, Buffer.from(header)]))
    truncateSync(file, 8 + header.length + 2 * size * size) // sparse: it takes no room on the disk
    await withCheckpoint(directory, async (checkpoint) => {
      const said = {
        code: 'BAD_INPUT',
        message: `${file}: tensor w of shape [131072,131072] is more than memory holds at once`
      }
      await expect(checkpoint.readFloat32('w')).rejects.toMatchObject(said)
      await expect(checkpoint.readBytes('w')).rejects.toMatchObject(said)
    })
  })

  it('says that a file became shorter while it was in use', async () => {
    const directory = newDirectory({ 'model.safetensors': { tensors: { w: ['F32', [3, 2]] } } })
    const path = join(directory, 'model.safetensors')
    const bytes = statSync(path).size
    await withCheckpoint(directory, async (checkpoint) => {
      truncateSync(path, bytes - 6)
      const message = `${path} ends after ${bytes - 6} bytes, it had ${bytes} when it was opened: the file was changed while in use`
      await expect(checkpoint.readFloat32('w')).rejects.toMatchObject({ code: 'IO', message })
      expect(() => checkpoint.readRow('w', 2, new Float32Array(2), 0)).toThrow(message)
    })
  })

  it('names the file when it was closed before', async () => {
    const directory = newDirectory({ 'model.safetensors': { tensors: { w: ['F32', [3, 2]] } } })
    const checkpoint = await Checkpoint.open(directory)
    await checkpoint.close()
    await expect(checkpoint.readFloat32('w')).rejects.toThrow(join(directory, 'model.safetensors'))
  })
})

describe('opening', () => {
  it('says that the directory is missing, or is a file', async () => {
    const missing = join(root, 'missing')
    await expect(Checkpoint.open(missing)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `the model directory ${missing} does not exist`
    })
    const file = join(root, 'file.safetensors')
    writeFileSync(file, '')
    await expect(Checkpoint.open(file)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${file} is a file; the model directory is needed`
    })
  })

  it('says that model.safetensors is a directory', async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'model.safetensors'))
    await expect(Checkpoint.open(directory)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${join(directory, 'model.safetensors')} is not a file`
    })
  })
})
