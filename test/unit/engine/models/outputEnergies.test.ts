import { afterAll, expect, it } from 'vitest'
import { OutputEnergies } from '../../../../src/engine/calibration/outputEnergies'
import { SecondMoments } from '../../../../src/engine/calibration/secondMoments'
import { BlockRunner } from '../../../../src/engine/models/blockRunner'
import { ModelParts } from '../../../../src/engine/models/modelParts'
import { readArchitecture } from '../../../../src/engine/models/registry'
import { gaussian, lossOf } from '../../../helpers/matrices'

const CONTEXT = 8
const TOKENS = 24
/** Biases on all linears, far larger than what the weights make of the inputs. */
const architecture = readArchitecture(
  { model_type: 'gpt2', n_embd: 32, n_head: 2, n_layer: 1, n_positions: CONTEXT, vocab_size: 50 },
  'config.json'
)
const runner = new BlockRunner(architecture, CONTEXT, 'cpu')
afterAll(() => runner.release())

it('are tr(W H Wᵀ) of the positions that count, without the biases', async () => {
  const parts = new ModelParts(architecture)
  const next = gaussian('weights')
  const values = (size: number, scale: number) => Float32Array.from({ length: size }, () => scale * next())
  const linears = new Map(
    parts.linears(0).map(({ name, inFeatures, outFeatures }) => [name, values(inFeatures * outFeatures, 0.1)])
  )
  const parameters = Object.fromEntries(
    parts.parameters(0).map(({ name, shape }) => [name, { data: values(shape[0] as number, 3), shape }])
  )
  const sums = new SecondMoments(parts.inputs(0))
  const energies = new OutputEnergies()
  const mask = Float32Array.from({ length: TOKENS }, (_, i) => (i % CONTEXT < 5 ? 1 : 0))
  for (let batch = 0; batch < 2; batch++) {
    const found = await runner.forwardWithGrams(0, values(TOKENS * 32, 1), mask, { linears, parameters })
    sums.add(found.grams, 15)
    energies.add(found.energies, mask)
  }
  const moments = parts.inputs(0).map((size, input) => ({ data: sums.take(input), rows: size, cols: size }))
  for (const { name, input, inFeatures, outFeatures } of parts.linears(0)) {
    const W = { data: Float64Array.from(linears.get(name) as Float32Array), rows: outFeatures, cols: inFeatures }
    const expected = lossOf(W, moments[input] as (typeof moments)[number])
    // Float32 products; a bias ten times as large as what it is added to takes one digit.
    expect(Math.abs(energies.of(name) / expected - 1)).toBeLessThan(1e-5)
  }
})
