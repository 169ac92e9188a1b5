import { describe, expect, it } from 'vitest'
import { fuzz } from './fuzzer'
import { FUZZ_TARGETS } from './registry'

/*
 * Damaged and malicious files: readers refuse them or read them, and do nothing else. `npm test` takes the same inputs
 * every time; `npm run fuzz` goes on for as long as it is told, with other seeds.
 */

const asked = Number(process.env.QUAIL_FUZZ_INPUTS ?? 0)
const minutes = Number(process.env.QUAIL_FUZZ_MINUTES ?? 0)
const seed = Number(process.env.QUAIL_FUZZ_SEED ?? 1)
const targets = FUZZ_TARGETS.filter(({ name }) => [name, '', undefined].includes(process.env.QUAIL_FUZZ_TARGET))
const milliseconds = (minutes * 60_000) / Math.max(1, targets.length)

describe('mutated inputs', () => {
  it.each(targets)('$name', { timeout: asked > 0 ? 0 : milliseconds + 600_000 }, async (target) => {
    const end = performance.now() + milliseconds
    const enough = asked > 0 ? Math.ceil(asked / targets.length) : target.inputs
    const done = minutes > 0 ? () => performance.now() > end : (inputs: number) => inputs >= enough
    const { inputs, refused, slowest } = await fuzz(target, seed, done)
    console.log(
      `fuzz ${target.name}: seed ${seed}, ${inputs} inputs, ${refused} refused, slowest ${(slowest * 1000).toFixed(0)} ms`
    )
    // Both outcomes are there: a target that refuses everything, or nothing, does not reach the reader it is for.
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(inputs)
  })

  it('are twenty-five thousand at least', () => {
    expect(FUZZ_TARGETS.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(25_000)
  })
})
