import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportBase } from '../../src/engine/run/exportBase'
import type { FourBitSpec } from '../../src/shared/recipe'
import { readGoldenTensors } from '../helpers/goldenTensors'
import { goldenDirectory } from '../helpers/paths'

const directory = join(goldenDirectory(), 'prequantized')
const model = join(goldenDirectory(), 'families/llama')
const cases = readdirSync(directory).filter((name) => !name.includes('.'))

/** The quantizer as the reference's own config.json states it; its block size is the default of bitsandbytes. */
function specOf(name: string): FourBitSpec {
  const config = JSON.parse(readFileSync(join(directory, name, 'config.json'), 'utf8'))
  const { bnb_4bit_quant_type: format, bnb_4bit_use_double_quant: doubleQuantization } = config.quantization_config
  return { format, blockSize: 64, doubleQuantization }
}

describe('export-base writes what transformers and bitsandbytes save of the same model', () => {
  it('on at least one golden checkpoint', () => {
    expect(cases.length).toBeGreaterThan(0)
  })

  for (const name of cases) {
    it(`${name}: every file of the reference, byte for byte`, async () => {
      const out = join(mkdtempSync(join(tmpdir(), 'quail-base-')), 'out')
      const request = { model, out, quantizer: specOf(name), maxShardBytes: 5e9 }
      const done = await exportBase(
        { ...request, dtype: 'bfloat16', computeDtype: 'float32' },
        new AbortController().signal
      )
      const reference = readGoldenTensors(join(directory, name, 'model.safetensors'))
      const ours = readGoldenTensors(join(out, 'model.safetensors'))
      expect([...ours.keys()]).toEqual([...reference.keys()])
      for (const [tensor, { dtype, shape, bytes }] of reference) {
        const found = ours.get(tensor)
        expect([tensor, found?.dtype, found?.shape]).toEqual([tensor, dtype, shape])
        expect(found?.bytes.equals(bytes), tensor).toBe(true)
      }
      const files = readdirSync(join(directory, name)).sort()
      expect([...done.weightFiles.map((file) => file.name), ...done.otherFiles].sort()).toEqual(files)
      expect(readdirSync(out).sort()).toEqual(files)
      for (const file of files) {
        const same = readFileSync(join(out, file)).equals(readFileSync(join(directory, name, file)))
        expect(same, file).toBe(true)
      }
    })
  }
})
