import { describe, expect, it } from 'vitest'
import { listDevices } from '../../src/engine/graph/devices'
import { setCudaFolder } from '../../src/engine/graph/devices/cudaFiles'
import { LinearAlgebra } from '../../src/engine/graph/linearAlgebra'
import { seededRandom } from '../../src/engine/numerics/random'
import { cudaDirectory, quailHome } from '../../src/store/home'
import { computeBlocks, configOf, familyDirectory } from '../helpers/checkpoints'
import { sampleModel, sampleText } from '../helpers/paths'
import { finishedOf, makeRun, runToEnd } from '../helpers/runs'

setCudaFolder(cudaDirectory(quailHome()))
const cuda = (await listDevices()).find(({ name }) => name === 'cuda')
const missing = cuda?.available === true ? undefined : (cuda?.detail ?? 'cuda is not known')
if (missing !== undefined) console.log(`the tests of cuda are skipped: ${missing}`)

/** ‖a − b‖ / ‖a‖. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [apart, whole] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    apart += ((a[i] as number) - (b[i] as number)) ** 2
    whole += (a[i] as number) ** 2
  }
  return Math.sqrt(apart / whole)
}

describe.skipIf(missing !== undefined)('cuda', () => {
  // float32 sums of 2048 products in another order differ by some 1e-7; TF32 rounds factors to 10 bits: 3e-4.
  it('multiplies float32 in float32, not in TF32', async () => {
    const random = seededRandom('cuda', 'product')
    const matrix = () => ({
      data: Float32Array.from({ length: 512 * 2048 }, () => random() - 0.5),
      rows: 512,
      cols: 2048
    })
    const [a, b] = [matrix(), matrix()]
    const product = async (device: 'cpu' | 'cuda') => {
      const algebra = new LinearAlgebra(device)
      const { data } = await algebra.gemm32(a, b, { transB: true })
      await algebra.release()
      return data
    }
    expect(distance(await product('cpu'), await product('cuda'))).toBeLessThan(1e-6)
  })

  // Two blocks of attention and exponentials add some units in the last place to that.
  it.each(['llama', 'gpt_neox', 'bloom', 'gemma2', 'phi3-partial'])(
    'computes the blocks of %s as the processor does',
    async (family) => {
      const directory = familyDirectory(family)
      const random = seededRandom('cuda', family)
      const vocabulary = configOf(directory).vocab_size as number
      const ids = Int32Array.from({ length: 2 * 16 }, () => Math.floor(vocabulary * random()))
      const rows = { ids, lengths: [16, 11], context: 16 }
      const cpu = await computeBlocks(directory, rows, 'cpu')
      const own = await computeBlocks(directory, rows, 'cuda')
      for (const [block, states] of cpu.hidden.entries())
        expect(distance(states, own.hidden[block] as Float32Array), `hidden ${block}`).toBeLessThan(1e-5)
      for (const [linear, H] of cpu.moments)
        expect(distance(H, own.moments.get(linear) as Float64Array), linear).toBeLessThan(1e-5)
    }
  )

  it('gives a run the perplexity that the processor gives it', async () => {
    const perplexity = async (device: string) => {
      const calibration = { files: [sampleText('moby-evaluation.txt')], rows: 4 }
      const finished = finishedOf(await runToEnd(makeRun({ model: sampleModel, device, calibration, context: 32 })))
      expect(finished.error).toBeUndefined()
      return Object.values(finished.perplexity)[0]?.fullPrecision ?? Number.NaN
    }
    expect(Math.abs((await perplexity('cuda')) / (await perplexity('cpu')) - 1)).toBeLessThan(1e-4)
  })
})
