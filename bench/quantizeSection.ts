import { existsSync } from 'node:fs'
import { bfloat16ToFloat32, float32ToBfloat16 } from '../src/engine/formats/dtypes'
import { seededRandom } from '../src/engine/numerics/random'
import { quantizerFor } from '../src/engine/quantizers/registry'
import { QuantizerSpec } from '../src/shared/recipe'
import { childOutput } from './childOutput'
import { fillGaussian } from './gaussian'
import type { BenchOptions, Section } from './section'
import { PYTHON } from './solver'
import { duration, median, secondsOf } from './statistics'

const ROUNDS = 5

/** From a bfloat16 weight to NF4 codes and scales, against bitsandbytes. */
export async function measureQuantize({ quick }: BenchOptions): Promise<Section> {
  const size = quick ? 512 : 4096
  const ours = median(await ownSeconds(size))
  const theirs = existsSync(PYTHON)
    ? median(
        JSON.parse(await childOutput(PYTHON, ['bench/quantize.py', `${size}`, `${size}`, `${ROUNDS}`])) as number[]
      )
    : undefined
  const speed = (seconds: number): string => `${((2 * size ** 2) / seconds / 1e9).toFixed(3)} GB/s`
  return {
    title: 'Quantizing to NF4',
    text: [
      'A bfloat16 weight to packed NF4 codes, blocks of 64, and doubly quantized scales: ours, conversion to float32 included, on ' +
        'one thread; `bitsandbytes.functional.quantize_4bit` on the same processor with all threads that it uses. GB/s are of ' +
        'bfloat16 read; medians.'
    ],
    columns: ['weight', 'Quail', 'bitsandbytes', 'ratio'],
    rows: [
      [
        `[${size}, ${size}]`,
        `${duration(ours)}, ${speed(ours)}`,
        theirs === undefined ? '' : `${duration(theirs)}, ${speed(theirs)}`,
        theirs === undefined ? '' : (theirs / ours).toFixed(1)
      ]
    ],
    verdicts:
      theirs === undefined
        ? []
        : [
            {
              what: 'speed of bitsandbytes',
              limit: 'at least 1 times',
              measured: (theirs / ours).toFixed(1),
              met: ours <= theirs
            }
          ]
  }
}

async function ownSeconds(size: number): Promise<number[]> {
  const values = new Float32Array(size ** 2)
  fillGaussian(values, 0.02, seededRandom('quantize', size))
  const stored = float32ToBfloat16(values)
  const spec = QuantizerSpec.parse({})
  const seconds: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    seconds.push(
      await secondsOf(async () => {
        bfloat16ToFloat32(stored, values)
        quantizerFor(spec).quantize(values, spec, size)
      })
    )
  }
  return seconds.slice(1)
}
