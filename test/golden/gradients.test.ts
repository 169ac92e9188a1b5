import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GraphSession, type Tensor } from '../../src/engine/graph/session'
import { stateSize } from '../../src/engine/models/architecture'
import type { BlockWeights } from '../../src/engine/models/blockWeights'
import { finalNormBackwardGraph, finalNormGraph } from '../../src/engine/models/modelGraphs'
import { roundInputs } from '../../src/engine/quantizers/int8Inputs'
import { hiddenStates, openAdaptedBlocks, uniform } from '../helpers/adaptedBlock'
import { goldenCases } from '../helpers/golden'

// Whatever lies there is a case: a family with an operator that has no gradient fails here.
const { directory, names } = goldenCases('families', (entry) => (entry.includes('.') ? undefined : entry))

const CONTEXT = 7
const RANK = 3
/** Relative to the size of what is moved: the smallest outputs lie in the rounding of the short ones; a bend of a ReLU that one of them crosses is not crossed by the other. */
const STEPS = [2e-3, 5e-4, 1e-4]

/** Everything that is differentiated: hidden states, and each adapter's matrices. */
type Point = ReadonlyMap<string, Float32Array>

const openBlocks = (name: string) =>
  openAdaptedBlocks(join(directory, name), { device: 'cpu', context: CONTEXT, rank: RANK })

function pointOf(hidden: Float32Array, { adapters }: BlockWeights): Point {
  const matrices = [...(adapters ?? [])].flatMap(([name, { A, B }]): [string, Float32Array][] => [
    [`${name}.lora_A`, A.data],
    [`${name}.lora_B`, B.data]
  ])
  return new Map([['hidden', hidden], ...matrices])
}

/** The block's weights with one of the matrices replaced. */
function moved(weights: BlockWeights, key: string, data: Float32Array): BlockWeights {
  const adapters = new Map(weights.adapters)
  const [, name = '', side = ''] = /^(.*)\.lora_([AB])$/.exec(key) ?? []
  const adapter = adapters.get(name)
  if (adapter === undefined) return weights
  const matrix = side === 'A' ? { A: { ...adapter.A, data } } : { B: { ...adapter.B, data } }
  adapters.set(name, { ...adapter, ...matrix })
  return { ...weights, adapters }
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0)
const norm = (a: Float32Array): number => Math.sqrt(dot(a, a))

describe.each(names)('gradients of the blocks of %s', (name) => {
  it('are those that central differences give', async () => {
    const { architecture, context, runner, adapted, close } = await openBlocks(name)
    let checked = 0
    for (let block = 0; block < architecture.blocks; block++) {
      const weights = await adapted(block)
      const hidden = hiddenStates(architecture, context, block)
      const real = new Float32Array(2 * context).fill(1)
      const seed = uniform(hidden.length, 1, 'seed', block)
      const rounding = 3e-8 * norm(await runner.forward(block, hidden, real, weights))
      const loss = async (key: string, data: Float32Array): Promise<number> => {
        const states = key === 'hidden' ? data : hidden
        return dot(await runner.forward(block, states, real, moved(weights, key, data)), seed)
      }
      const gradients = await runner.backward(block, hidden, seed, real, weights)
      for (const [key, value] of pointOf(hidden, weights)) {
        const [, linear = '', side] = /^(.*)\.lora_([AB])$/.exec(key) ?? []
        const gradient = key === 'hidden' ? gradients.hidden : gradients.adapters.get(linear)?.[side as 'A' | 'B']
        const found = gradient as Float32Array
        expect(found.length).toBe(value.length)
        const length = norm(found)
        expect(length).toBeGreaterThan(0)
        // Along the gradient itself and across: a wrong one is not orthogonal to its error in both.
        const across = uniform(value.length, 1, 'across', key)
        for (const direction of [found.map((x) => x / length), across.map((x) => x / norm(across))]) {
          const errors = []
          for (const share of STEPS) {
            const step = share * norm(value)
            const at = (t: number) =>
              loss(
                key,
                value.map((x, i) => x + t * step * (direction[i] as number))
              )
            const slope = (8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)))) / (12 * step)
            errors.push(Math.abs(slope - dot(found, direction)) - rounding / step)
            if ((errors.at(-1) as number) < 5e-3 * length) break // another length would only be asked for nothing
          }
          // Float32 sums of a few hundred terms: noise of about 1e-3 of the slope, and that of the outputs over so small a step.
          expect(Math.min(...errors), `${key} of block ${block}`).toBeLessThan(5e-3 * length)
          checked++
        }
      }
    }
    expect(checked).toBeGreaterThan(0)
    await close()
  })

  it('go on through the final norm', async () => {
    const { architecture, weights, close } = await openBlocks(name)
    const { embeddingSize } = architecture
    const width = stateSize(architecture)
    const graph = finalNormGraph(architecture)
    const feeds: Record<string, Tensor> = {}
    for (const parameter of graph.parameters) {
      feeds[parameter.name] = { data: await weights.readParameter(parameter), shape: parameter.shape }
    }
    const [forward, backward] = await Promise.all(
      [graph, finalNormBackwardGraph(architecture)].map(({ model }) => GraphSession.create(model, 'cpu'))
    )
    const states = (data: Float32Array, width: number): Tensor => ({ data, shape: [data.length / width, width] })
    const hidden = uniform(3 * width, 1, 'hidden')
    const seed = uniform(3 * embeddingSize, 1, 'seed')
    const loss = async (data: Float32Array): Promise<number> => {
      const outputs = await forward?.run({ ...feeds, hidden: states(data, width) })
      return dot(outputs?.normed?.data as Float32Array, seed)
    }
    const outputs = await backward?.run({
      ...feeds,
      hidden: states(hidden, width),
      gradient: states(seed, embeddingSize)
    })
    const found = outputs?.['gradient.hidden']?.data as Float32Array
    const length = norm(found)
    expect(length).toBeGreaterThan(0)
    for (const direction of [found.map((x) => x / length), uniform(found.length, 1, 'across')]) {
      const size = norm(direction)
      const moved = (by: number) => hidden.map((x, i) => x + (by * (direction[i] as number)) / size)
      const slope = ((await loss(moved(0.01))) - (await loss(moved(-0.01)))) / 0.02
      // Of float32 sums over a step of a hundredth, and of its cube.
      expect(Math.abs(slope - dot(found, direction) / size)).toBeLessThan(1e-3 * length)
    }
    await Promise.all([forward?.release(), backward?.release(), close()])
  })

  it('take no notice of the rounding of inputs, as bitsandbytes does', async () => {
    const { architecture, context, runner, adapted, close } = await openBlocks(name)
    const weights = await adapted(0)
    const hidden = hiddenStates(architecture, context, 0)
    const real = new Float32Array(2 * context).fill(1)
    const seed = uniform(hidden.length, 1, 'seed', 0)
    const plain = await runner.backward(0, hidden, seed, real, weights)
    const rounded = await runner.backward(0, hidden, seed, real, { ...weights, roundInputs })
    // Rounding to 8 bits moves the point at which the other operators are differentiated: a fifth, and more where scores
    // have no factor. Through the rounding itself the gradient would be zero.
    const difference = plain.hidden.map((x, i) => x - (rounded.hidden[i] as number))
    expect(norm(difference)).toBeGreaterThan(0)
    expect(norm(difference)).toBeLessThan(0.4 * norm(plain.hidden))
    await close()
  })
})
