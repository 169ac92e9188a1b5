import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sha256 } from '../../../../src/engine/formats/files'
import { readSafetensorsHeader } from '../../../../src/engine/formats/safetensors'
import { encodeSafetensors, type TensorData, writeSafetensors } from '../../../../src/engine/formats/safetensorsWriter'
import { TensorSpool } from '../../../../src/engine/formats/tensorSpool'

const root = mkdtempSync(join(tmpdir(), 'quail-writer-'))
afterAll(() => rmSync(root, { recursive: true }))

const reference = resolve(import.meta.dirname, '../../../fixtures/formats/reference.safetensors')

/** The tensors of the reference file, in an order that is not the file's. */
async function referenceTensors(): Promise<TensorData[]> {
  const bytes = readFileSync(reference)
  const { tensors } = await readSafetensorsHeader(reference)
  const all = [...tensors.values()].map(({ begin, end, ...rest }) => ({ ...rest, data: bytes.subarray(begin, end) }))
  return all.sort((a, b) => (a.name.length === b.name.length ? 0 : a.name.length - b.name.length))
}

const float = (name: string): TensorData => ({ name, dtype: 'F32', shape: [1], data: new Uint8Array(4) })

it('writes the bytes that the reference library writes, whatever the order of the tensors', async () => {
  const tensors = await referenceTensors()
  const path = join(root, 'written.safetensors')
  const written = await writeSafetensors(path, tensors)
  const expected = readFileSync(reference)
  expect(readFileSync(path).equals(expected)).toBe(true)
  expect(written).toEqual({ bytes: expected.length, sha256: sha256(expected) })
  await writeSafetensors(path, tensors.reverse())
  expect(readFileSync(path).equals(expected)).toBe(true)
  expect(readdirSync(root)).toEqual(['written.safetensors'])
})

it('writes the same bytes when the tensors come one by one and in pieces', async () => {
  const path = join(root, 'spooled.safetensors')
  const spool = await TensorSpool.create(join(root, '.spool'))
  for (const { data, ...tensor } of await referenceTensors()) {
    await spool.add(tensor, [data.subarray(0, 3), data.subarray(3)])
  }
  const written = await spool.writeTo(path)
  await spool.discard()
  const expected = readFileSync(reference)
  expect(readFileSync(path).equals(expected)).toBe(true)
  expect(written).toEqual({ bytes: expected.length, sha256: sha256(expected) })
  expect(readdirSync(root)).not.toContain('.spool')
})

it('puts the format first among the metadata and sorts the rest', () => {
  const { header, bytes } = encodeSafetensors([], { b: '2', a: '"1"', '0': 'zero' })
  expect(Buffer.from(header).subarray(8).toString().trimEnd()).toBe(
    '{"__metadata__":{"format":"pt","0":"zero","a":"\\"1\\"","b":"2"}}'
  )
  expect(bytes).toBe(header.length)
  expect(header.length % 8).toBe(0)
})

it('refuses names that repeat, also across dtypes, and the name of the metadata', () => {
  const bytes: TensorData = { name: 'w', dtype: 'U8', shape: [4], data: new Uint8Array(4) }
  expect(() => encodeSafetensors([float('w'), bytes])).toThrow('the name "w" is taken')
  expect(() => encodeSafetensors([float('__metadata__')])).toThrow('the name "__metadata__" is taken')
})

it('refuses data that does not fill its shape', () => {
  expect(() => encodeSafetensors([{ ...float('w'), shape: [2] }])).toThrow(
    'tensor w has 4 bytes for F32 of shape [2], expected 8'
  )
})
