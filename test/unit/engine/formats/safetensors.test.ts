import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseSafetensorsHeader, readSafetensorsHeader } from '../../../../src/engine/formats/safetensors'
import { parseStrictJson } from '../../../../src/engine/formats/strictJson'
import { elementCount } from '../../../../src/engine/formats/tensorInfo'
import { readGoldenTensors } from '../../../helpers/goldenTensors'
import { writeHostile } from '../../../helpers/hostileFile'

const root = mkdtempSync(join(tmpdir(), 'quail-safetensors-'))
afterAll(() => rmSync(root, { recursive: true }))

const reference = resolve(import.meta.dirname, '../../../fixtures/formats/reference.safetensors')
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
const parse = (header: string, dataBytes: number) =>
  parseSafetensorsHeader(encode(header), 8 + encode(header).length + dataBytes, 'memory')

describe('readSafetensorsHeader', () => {
  it('reads the header that the reference library wrote, with absolute offsets', async () => {
    const { tensors, metadata, fileBytes } = await readSafetensorsHeader(reference)
    expect(metadata).toEqual(new Map([['format', 'pt']]))
    expect(fileBytes).toBe(1336)
    const golden = readGoldenTensors(reference)
    expect(tensors.size).toBe(18)
    for (const { name, dtype, shape, begin, end } of tensors.values()) {
      if (name === '__proto__') continue // the helper keeps tensors in a plain object, which loses this one
      expect({ dtype, shape, bytes: end - begin }).toEqual({
        dtype: golden.get(name)?.dtype,
        shape: golden.get(name)?.shape,
        bytes: golden.get(name)?.bytes.length
      })
    }
    expect(tensors.get('codes')).toMatchObject({ begin: fileBytes - 5, end: fileBytes })
    expect(tensors.get('__proto__')).toMatchObject({ dtype: 'I32', shape: [1] })
  })

  it('says that a file is missing, or is a directory', async () => {
    const missing = join(root, 'no.safetensors')
    await expect(readSafetensorsHeader(missing)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${missing} does not exist`
    })
    await expect(readSafetensorsHeader(root)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${root} is not a file`
    })
  })

  it('reads a file without tensors', async () => {
    const path = join(root, 'none.safetensors')
    writeHostile(path, { header: '{}' })
    expect((await readSafetensorsHeader(path)).tensors.size).toBe(0)
  })
})

describe('parseSafetensorsHeader', () => {
  it.each([
    { what: 'white space around the header', header: ` \n\t\r{"w":${ENTRY}} \n` },
    { what: 'fields that it does not know', header: `{"w":{"note":{"a":[null,true,-1.5e3]},${ENTRY.slice(1)}}` },
    { what: 'metadata that is null', header: `{"__metadata__":null,"w":${ENTRY}}` },
    { what: 'an empty name', header: `{"":${ENTRY}}` },
    { what: 'a name with escapes', header: `{"a\\"\\u00e9\\\\":${ENTRY}}` },
    {
      what: 'entries in another order than the data',
      header: `{"b":{"dtype":"U8","shape":[0],"data_offsets":[8,8]},"a":${ENTRY}}`
    }
  ])('accepts $what', ({ header }) => {
    expect([...parse(header, 8).tensors.values()].some(({ dtype }) => dtype === 'F32')).toBe(true)
  })

  it('unescapes names and keeps __proto__ a plain name', () => {
    const { tensors } = parse(
      `{"\\u005f_proto__":${ENTRY},"a\\"\\\\":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}`,
      9
    )
    expect([...tensors.keys()]).toEqual(['__proto__', 'a"\\'])
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })

  it('counts packed types in bits', () => {
    const { tensors } = parse('{"w":{"dtype":"F6_E2M3","shape":[2,4],"data_offsets":[0,6]}}', 6)
    expect(tensors.get('w')?.end).toBe(8 + 60 + 6)
  })
})

describe('elementCount', () => {
  it('is the product of the dimensions, one for a scalar', () => {
    expect([elementCount([]), elementCount([3, 4]), elementCount([3, 0])]).toEqual([1, 12, 0])
  })
})

describe('parseStrictJson', () => {
  it('agrees with JSON.parse on what both accept', () => {
    const text = '{"a":[true,false,null,"x\\n\\ud83d\\udc26",{"b":{}}],"c":[]}'
    const plain = (value: unknown): unknown => {
      if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
      return Array.isArray(value) ? value.map(plain) : value
    }
    expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text))
  })

  it.each([
    '',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    'nul',
    'True',
    '[1,]',
    '{"a":1,}',
    '{"a"}',
    '"\\x"',
    '"a\\"',
    '[1}',
    'NaN'
  ])('refuses %s', (text) => {
    expect(() => parseStrictJson(text)).toThrow(/character/)
  })

  it('stops at more values than a checkpoint has, however they are put, before it has made them', () => {
    const lists = [`[${'1,'.repeat(2_000_000)}1]`, `{"a":[${'[],'.repeat(2_000_000)}[]]}`]
    for (const text of lists) expect(() => parseStrictJson(text)).toThrow(/^holds more than 2000000 values/)
    expect(parseStrictJson(`[${'1,'.repeat(100_000)}1]`)).toHaveLength(100_001)
  })
})

it('a header of more tensors, dimensions or words about itself than are read is refused', () => {
  const empty = '{"dtype":"F32","shape":[],"data_offsets":[0,0]}'.replace('[]', '[0]')
  const tensors = Array.from({ length: 250_001 }, (_, n) => `"t${n}":${empty}`)
  expect(() => parse(`{${tensors.join()}}`, 0)).toThrow(/holds 250001 tensors; at most 250000 are read/)
  expect(() => parse(`{"a":{"shape":[${'1,'.repeat(2_000_000)}1]}}`, 0)).toThrow(/holds more than 2000000 values/)
})
