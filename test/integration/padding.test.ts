import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ModelTokenizer } from '../../src/engine/calibration/tokenizer'
import type { ResolvedText } from '../../src/shared/runFolder'
import { sampleModel, sampleText } from '../helpers/paths'
import { finishedOf, makeRun, resolveText, runToEnd } from '../helpers/runs'

const CONTEXT = 48
const COUNT = 6

/** Pieces of a text that are tokenized to exactly CONTEXT tokens when they stand alone. */
async function pieces(): Promise<string[]> {
  const tokenizer = await ModelTokenizer.open(sampleModel)
  const text = readFileSync(sampleText('moby-evaluation.txt'), 'utf8').slice(0, 60_000)
  const ids = await tokenizer.encode(text, { specialTokens: false })
  const found: string[] = []
  for (let begin = 0; found.length < COUNT; begin += CONTEXT) {
    const some = ids.subarray(begin, begin + CONTEXT)
    const piece = await tokenizer.decode(some)
    const again = await tokenizer.encode(piece, { specialTokens: false })
    if (again.length === CONTEXT && again.every((id, i) => id === some[i])) found.push(piece)
  }
  return found
}

describe('padded and packed runs over the same tokens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quail-padding-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const texts = await pieces()
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const files = texts.map((text, i) => resolveText(write(`piece-${i}.txt`, text)))
  const samples = resolveText(
    write('pieces.jsonl', texts.map((text) => `${JSON.stringify({ text })}\n`).join('')),
    'samples'
  )

  async function results(policy: string, context: number, resolved: readonly ResolvedText[]) {
    const evaluation = { files: ['pieces'], rows: COUNT }
    const run = makeRun({ policy, context, variants: [{ method: 'exact', rank: 4 }] })
    const recipe = { ...run.record.recipe, evaluation }
    const record = { ...run.record, recipe, calibration: [...resolved], evaluation: [...resolved] }
    return finishedOf(await runToEnd({ folder: run.folder, record }))
  }

  it('give the same perplexities and the same errors of every layer', async () => {
    const packed = await results('packed', CONTEXT, files)
    const padded = await results('padded', CONTEXT + 11, [samples])
    const one = padded.perplexity['pieces.jsonl']
    expect(one?.tokens).toBe(COUNT * (CONTEXT - 1))
    const parts = Object.values(packed.perplexity)
    expect(parts.map(({ tokens }) => tokens)).toEqual(Array(COUNT).fill(CONTEXT - 1))
    const mean = (of: (part: (typeof parts)[number]) => number) =>
      Math.exp(parts.reduce((sum, part) => sum + Math.log(of(part)), 0) / COUNT)
    // Longer rows only change the order of float32 sums.
    expect((one?.fullPrecision as number) / mean((part) => part.fullPrecision)).toBeCloseTo(1, 5)
    const quantized = (part: (typeof parts)[number] | undefined) => part?.quantizers['nf4-b64-dq'] as number
    expect(quantized(one) / mean(quantized)).toBeCloseTo(1, 5)
    expect((one?.variants['exact-r4'] as number) / mean((part) => part.variants['exact-r4'] as number)).toBeCloseTo(
      1,
      4
    )
    const layers = padded.variants[0]?.layers ?? []
    expect(layers).toHaveLength(28)
    for (const [i, layer] of (packed.variants[0]?.layers ?? []).entries()) {
      expect((layers[i]?.lossRank0 as number) / layer.lossRank0).toBeCloseTo(1, 5)
      expect((layers[i]?.loss as number) / layer.loss).toBeCloseTo(1, 4)
    }
  })
})
