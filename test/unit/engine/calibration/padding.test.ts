import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadRows } from '../../../../src/engine/calibration/rows'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import { seededRandom } from '../../../../src/engine/numerics/random'
import type { ResolvedText } from '../../../../src/shared/runFolder'
import { computeBlocks, configOf, familyDirectory } from '../../../helpers/checkpoints'
import { neoxModel, sampleModel } from '../../../helpers/paths'

const ROWS = 3
const CONTEXT = 20
const PADDED = 29

/** The same tokens as full rows, and in longer rows with anything at all behind them. */
function sameTokens(vocabulary: number) {
  const random = seededRandom('padding', vocabulary)
  const token = () => Math.floor(vocabulary * random())
  const ids = Int32Array.from({ length: ROWS * CONTEXT }, token)
  const padded = Int32Array.from({ length: ROWS * PADDED }, token)
  for (let row = 0; row < ROWS; row++) padded.set(ids.subarray(row * CONTEXT, (row + 1) * CONTEXT), row * PADDED)
  const lengths = Array<number>(ROWS).fill(CONTEXT)
  return { packed: { ids, lengths, context: CONTEXT }, padded: { ids: padded, lengths, context: PADDED } }
}

const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0))
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(Array.from(a, (value, i) => value - (b[i] as number)))

describe.each([
  ['a small LLaMA', familyDirectory('llama')],
  ['a small GPT-NeoX', familyDirectory('gpt_neox')],
  ['the sample model', sampleModel],
  ['the trained GPT-NeoX', neoxModel]
])('padding in %s', (_, directory) => {
  const { packed, padded } = sameTokens(configOf(directory).vocab_size as number)
  const computed = Promise.all([computeBlocks(directory, packed), computeBlocks(directory, padded)])

  it('leaves the second moments as they are without it', async () => {
    const [one, other] = await computed
    expect(one.moments.size).toBeGreaterThan(0)
    for (const [name, H] of one.moments) {
      // Longer rows only change the order in which float32 products are added up.
      expect(distance(H, other.moments.get(name) as Float64Array), name).toBeLessThan(1e-5 * norm(H))
    }
  })

  it('leaves the hidden states of real tokens as they are without it', async () => {
    const [one, other] = await computed
    for (const [block, states] of one.hidden.entries()) {
      const width = states.length / packed.ids.length
      for (let row = 0; row < ROWS; row++) {
        const real = states.subarray(row * CONTEXT * width, (row + 1) * CONTEXT * width)
        const same = (other.hidden[block] as Float32Array).subarray(
          row * PADDED * width,
          (row * PADDED + CONTEXT) * width
        )
        expect(distance(real, same), `block ${block}, row ${row}`).toBeLessThan(1e-5 * norm(real))
      }
    }
  })
})

describe('special tokens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quail-special-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  for (const file of readdirSync(sampleModel)) {
    if (file.startsWith('tokenizer')) copyFileSync(join(sampleModel, file), join(folder, file))
  }
  const path = join(folder, 'tokenizer.json')
  const definition = JSON.parse(readFileSync(path, 'utf8'))
  const post_processor = {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } }
  }
  writeFileSync(path, JSON.stringify({ ...definition, post_processor }))
  const tokenizer = await ModelTokenizer.open(folder)
  writeFileSync(join(folder, 'text'), 'The State of the Union\n\nof the Union')
  const text: ResolvedText = { name: 'text', path: 'text', kind: 'text', bytes: 0, sha256: '' }
  const plain = async (sample: string) => [...(await tokenizer.encode(sample, { specialTokens: false }))]

  it('are left out of packed rows', async () => {
    const ids = await plain('The State of the Union\n\nof the Union')
    const rows = await loadRows(tokenizer, text, folder, { policy: 'packed', context: ids.length, rows: 1 })
    expect([...rows.ids]).toEqual(ids)
  })

  it('begin every padded row, and count as tokens', async () => {
    const [first, second] = [await plain('The State of the Union'), await plain('of the Union')]
    const rows = await loadRows(tokenizer, text, folder, { policy: 'padded', context: 8, rows: 9 })
    expect([...rows.lengths]).toEqual([first.length + 1, second.length + 1])
    expect([...rows.ids.subarray(0, first.length + 1)]).toEqual([1, ...first])
    expect([...rows.ids.subarray(8, 8 + second.length + 1)]).toEqual([1, ...second])
    expect(rows.tokenCount).toBe(first.length + second.length + 2)
  })
})
