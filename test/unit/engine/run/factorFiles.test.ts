import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeFloats } from '../../../../src/engine/formats/dtypes'
import { roundFactors } from '../../../../src/engine/methods/factors'
import { toFloat32 } from '../../../../src/engine/numerics/matrix'
import { isIntact, keptFactors, readFactors, writeFactors } from '../../../../src/engine/run/factorFiles'
import type { SolvedVariant } from '../../../../src/engine/solve/solveLinear'
import type { FactorDtype } from '../../../../src/shared/recipe'
import type { SolvedBlock } from '../../../../src/shared/runFolder'
import { gaussianMatrix } from '../../../helpers/matrices'

const root = mkdtempSync(join(tmpdir(), 'quail-factors-'))
afterAll(() => rmSync(root, { recursive: true }))

const newFolder = (): string => {
  const folder = mkdtempSync(join(root, 'run-'))
  mkdirSync(join(folder, 'factors'))
  return folder
}

/** What a solved linear leaves, as far as a file of factors goes. */
function solved(variant: string, linear: string, dtype: FactorDtype): SolvedVariant {
  const factors = {
    loraA: toFloat32(gaussianMatrix(4, 6, `${variant} ${linear} A`)),
    loraB: toFloat32(gaussianMatrix(8, 4, `${variant} ${linear} B`))
  }
  return {
    variant,
    factors: roundFactors(factors, dtype),
    result: { name: linear }
  } as SolvedVariant
}

const entryOf = (factors: SolvedBlock['factors']): SolvedBlock => ({ pass: 'solve', factors }) as SolvedBlock

describe('factors on the disk', () => {
  it.each([
    ['float32', 'F32'],
    ['bfloat16', 'BF16'],
    ['float16', 'F16']
  ] as const)('come back as they were stored in %s', async (dtype, stored) => {
    const folder = newFolder()
    const blocks = [0, 1].map((block) =>
      ['svd-r4', 'exact-r4'].map((variant) => solved(variant, `layers.${block}.q_proj`, dtype))
    )
    const journal: SolvedBlock[] = []
    for (const [block, list] of blocks.entries()) {
      journal.push(entryOf(await writeFactors(folder, block, list, dtype)))
    }
    const tensors = await readFactors(folder, keptFactors(journal, 'exact-r4'))
    expect(tensors.map(({ name }) => name)).toEqual(
      [0, 1].flatMap((block) => ['A', 'B'].map((side) => `base_model.model.layers.${block}.q_proj.lora_${side}.weight`))
    )
    for (const [i, { dtype: found, shape, data }] of tensors.entries()) {
      const factors = blocks[i >> 1]?.[1]?.factors
      const expected = i % 2 === 0 ? factors?.loraA : factors?.loraB
      const values = new Float32Array(expected?.data.length ?? 0)
      decodeFloats(data, stored, values)
      expect(found).toBe(stored)
      expect(shape).toEqual([expected?.rows, expected?.cols])
      expect(values).toEqual(expected?.data)
    }
  })

  it('are intact only while every byte is as the journal says', async () => {
    const folder = newFolder()
    const factors = await writeFactors(folder, 0, [solved('svd-r4', 'q_proj', 'float32')], 'float32')
    expect(await isIntact(folder, factors)).toBe(true)
    const path = join(folder, factors.file)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, -1))
    expect(await isIntact(folder, factors)).toBe(false)
    rmSync(path)
    expect(await isIntact(folder, factors)).toBe(false)
  })

  it('of a variant that begins like another are told apart', async () => {
    const folder = newFolder()
    const list = ['svd', 'svd-r4'].map((variant) => solved(variant, 'q_proj', 'float32'))
    const files = [await writeFactors(folder, 0, list, 'float32')]
    const [first] = await readFactors(folder, { files, key: 'svd' })
    expect(await readFactors(folder, { files, key: 'svd' })).toHaveLength(2)
    expect(first?.data.byteLength).toBe(4 * 4 * 6)
    expect(new Float32Array(first?.data.slice().buffer as ArrayBuffer)).toEqual(list[0]?.factors.loraA.data)
    expect(await readFactors(folder, { files, key: 'exact' })).toEqual([])
  })
})
