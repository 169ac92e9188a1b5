import { expect, it } from 'vitest'
import { BlockRunner } from '../../../../src/engine/models/blockRunner'
import { hiddenStates, openAdaptedBlocks, uniform } from '../../../helpers/adaptedBlock'
import { familyDirectory } from '../../../helpers/checkpoints'

/** Of a row of so many tokens, whose scores are parted into four blocks of queries at least. */
const CONTEXT = 40

// With sinks beside the keys, in windows, and with few heads for keys.
it.each(['gpt_oss', 'gemma2', 'llama'])(
  'blocks of %s find the same where their tensors must be smaller',
  async (family) => {
    const opened = await openAdaptedBlocks(familyDirectory(family), { device: 'cpu', context: CONTEXT, rank: 4 })
    const { architecture, runner: whole } = opened
    const weights = await opened.adapted(0)
    const { adapters: _, ...plain } = weights
    const heads = 8 // or fewer
    const parted = new BlockRunner(
      architecture,
      CONTEXT,
      'cpu',
      4 * Math.floor(2048 / CONTEXT) * heads * (CONTEXT + 1) * 10
    )
    const hidden = hiddenStates(architecture, CONTEXT, 0)
    const gradient = uniform(hidden.length, 1, 'gradient')
    const real = new Float32Array(2 * CONTEXT).fill(1)
    const found = async (runner: BlockRunner) => {
      const { next, grams } = await runner.forwardWithGrams(0, hidden, real, plain)
      const back = await runner.backward(0, hidden, gradient, real, weights)
      const curved = await runner.curvature(0, hidden, gradient, real, plain)
      return [
        next,
        ...grams.map(({ data }) => data),
        back.hidden,
        curved.hidden,
        ...curved.grams.map(({ data }) => data)
      ]
    }
    const [expected, own] = [await found(whole), await found(parted)]
    expect(own.length).toBe(expected.length)
    for (const [i, values] of expected.entries()) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      // Sums of float32 in another order.
      for (const [at, value] of values.entries()) {
        expect(Math.abs((own[i]?.[at] as number) - value)).toBeLessThan(1e-5 * largest)
      }
    }
    expect(parted.calibrationGraphs(0)[0]).not.toEqual(whole.calibrationGraphs(0)[0])
    await parted.release()
    await opened.close()
  }
)
