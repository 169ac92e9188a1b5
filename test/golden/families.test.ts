import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { goldenCases } from '../helpers/golden'
import { float64s, type GoldenTensor, readGoldenTensors } from '../helpers/goldenTensors'
import { computeModel, type Rows, rowsOf, standardDeviation, worstDifference } from '../helpers/wholeModel'

// Whatever lies there is a case: a family that Quail does not read fails here.
const { directory, names } = goldenCases('families', (entry) => (entry.includes('.') ? undefined : entry))

/** The order of execution, which the tensors do not tell; a case may do without. */
const indexFile = join(directory, 'index.json')
const index: Record<string, { linears: string[] }> = existsSync(indexFile)
  ? JSON.parse(readFileSync(indexFile, 'utf8'))
  : {}

/** Mean of −log softmax(logits)[next token] over the targets that are no pads, and how many those are. */
function meanLoss(logits: ArrayLike<number>, { ids, mask, context }: Rows): { mean: number; tokens: number } {
  const vocabulary = logits.length / ids.length
  let total = 0
  let tokens = 0
  for (let t = 0; t < ids.length - 1; t++) {
    if ((t + 1) % context === 0 || mask[t + 1] === 0) continue
    const values = Array.from({ length: vocabulary }, (_, i) => logits[t * vocabulary + i] as number)
    const max = Math.max(...values)
    total +=
      max + Math.log(values.reduce((sum, x) => sum + Math.exp(x - max), 0)) - (values[ids[t + 1] as number] as number)
    tokens++
  }
  return { mean: total / tokens, tokens }
}

describe.each(names)('model %s', (name) => {
  const expected = readGoldenTensors(join(directory, name, 'expected.safetensors'))
  const tensor = (key: string) => float64s(expected.get(key) as GoldenTensor)
  const keysOf = (kind: string) => [...expected.keys()].filter((key) => key.startsWith(`${kind}.`))
  const rows = rowsOf(expected)
  const computed = computeModel(join(directory, name), rows)

  it('has the linears of the reference, in order of execution', async () => {
    const linears = keysOf('gram').map((key) => key.slice('gram.'.length))
    expect(linears.length).toBeGreaterThan(0)
    const own = (await computed).linears
    expect([...own].sort()).toEqual(linears.sort())
    expect(own).toEqual(index[name]?.linears ?? own)
  })

  it('gives logits within 1e-4 of their standard deviation', async () => {
    // Two float32 libraries add up in different orders; 1e-4 of the spread is far above that and far below any defect.
    const reference = tensor('logits')
    const { logits } = await computed
    expect(worstDifference(logits.data, reference, rows.mask)).toBeLessThan(1e-4 * standardDeviation(reference))
  })

  it('gives the mean negative log likelihood within 1e-5', async () => {
    const reference = meanLoss(tensor('logits'), rows)
    const own = meanLoss((await computed).logits.data, rows)
    expect(reference.tokens).toBeGreaterThan(0)
    expect(own.tokens).toBe(reference.tokens)
    expect(Math.abs(own.mean - reference.mean)).toBeLessThan(1e-5 * reference.mean)
  })

  it('gives every Gram matrix within 1e-5 of its norm', async () => {
    const { grams } = await computed
    for (const [linear, own] of grams) {
      const reference = tensor(`gram.${linear}`)
      expect(own.length, linear).toBe(reference.length)
      const error = Math.sqrt(reference.reduce((sum, x, i) => sum + (x - (own[i] as number)) ** 2, 0))
      expect(error, linear).toBeLessThan(1e-5 * Math.sqrt(reference.reduce((sum, x) => sum + x * x, 0)))
    }
    expect(grams.size).toBe(keysOf('gram').length)
  })

  it('gives every hidden state of the reference', async () => {
    const { hiddens } = await computed
    const blocks = hiddens.length - 1
    expect(keysOf('hidden').length).toBeGreaterThanOrEqual(blocks) // one more where the file has that after the final norm
    for (const [block, own] of hiddens.slice(0, blocks).entries()) {
      const reference = tensor(`hidden.${block}`)
      const worst = worstDifference(own, reference, rows.mask)
      expect(worst, `hidden.${block}`).toBeLessThan(1e-4 * standardDeviation(reference))
    }
  })
})
