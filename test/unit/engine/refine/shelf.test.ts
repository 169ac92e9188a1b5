import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bytesOf } from '../../../../src/engine/numerics/bytesOf'
import { floatsOf, Shelf } from '../../../../src/engine/refine/shelf'

const newPath = (): string => join(mkdtempSync(join(tmpdir(), 'quail-shelf-')), 'shelf.tmp')

describe.each([true, false])('a shelf, in memory: %s', (inMemory) => {
  it('gives back what lies there last', async () => {
    const shelf = await Shelf.create(newPath(), inMemory)
    await shelf.put(2, bytesOf(Float32Array.of(1, 2, 3)))
    await shelf.put(0, Uint8Array.of(7))
    await shelf.put(2, bytesOf(Float32Array.of(4, 5, 6)))
    expect(floatsOf(await shelf.get(2))).toEqual(Float32Array.of(4, 5, 6))
    expect(Array.from(await shelf.get(0))).toEqual([7])
    expect([0, 1, 2].map((index) => shelf.has(index))).toEqual([true, false, true])
    await shelf.close()
  })

  it('says so where nothing lies', async () => {
    const shelf = await Shelf.create(newPath(), inMemory)
    await expect(shelf.get(1)).rejects.toMatchObject({ code: 'INTERNAL' })
    await shelf.close()
  })
})

describe('a shelf on the disk', () => {
  it('takes its file with it', async () => {
    const path = newPath()
    const shelf = await Shelf.create(path, false)
    await shelf.put(0, Uint8Array.of(1, 2))
    expect(existsSync(path)).toBe(true)
    await shelf.close()
    expect(existsSync(path)).toBe(false)
  })

  it('has no room for more in the place of less', async () => {
    const shelf = await Shelf.create(newPath(), false)
    await shelf.put(0, Uint8Array.of(1, 2))
    await expect(shelf.put(0, Uint8Array.of(1, 2, 3))).rejects.toThrow('3 bytes in the place of 2')
    await shelf.close()
  })

  it('names its file where it cannot be made', async () => {
    const path = join(newPath(), 'missing', 'shelf.tmp')
    await expect(Shelf.create(path, false)).rejects.toThrow(path)
  })
})
