import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { encodeText } from '../../../../src/engine/calibration/encodeText'
import { concatRows, cutRows, loadRows, packedRows, paddedRows } from '../../../../src/engine/calibration/rows'
import { spacedRows } from '../../../../src/engine/calibration/spacedRows'
import { ModelTokenizer } from '../../../../src/engine/calibration/tokenizer'
import type { ResolvedText } from '../../../../src/shared/runFolder'
import { sampleModel, sampleText } from '../../../helpers/paths'

const counting = (length: number) => ({ ids: Int32Array.from({ length }, (_, i) => i) })
const starts = (rows: ReturnType<typeof packedRows>) =>
  Array.from({ length: rows.rows }, (_, row) => rows.ids[row * rows.context])

describe('packed rows', () => {
  it('start evenly spaced: row i at token i · ⌊⌊T/context⌋/rows⌋ · context', () => {
    const rows = packedRows(counting(1000), 10, 7)
    expect(starts(rows)).toEqual([0, 140, 280, 420, 560, 700, 840])
    expect([...rows.ids.subarray(10, 20)]).toEqual([140, 141, 142, 143, 144, 145, 146, 147, 148, 149])
    expect(rows).toMatchObject({ context: 10, rows: 7, tokenCount: 70 })
    expect([...rows.lengths]).toEqual([10, 10, 10, 10, 10, 10, 10])
  })

  it('are fewer when the text is short, and never a part of a row', () => {
    expect(starts(packedRows(counting(39), 10, 64))).toEqual([0, 10, 20])
    expect(starts(packedRows(counting(10), 10, 64))).toEqual([0])
  })

  it('need one row of tokens at least', () => {
    expect(() => packedRows(counting(9), 10, 1, 'a.txt')).toThrow('a.txt has 9 tokens; one row needs 10')
  })
})

describe('draws', () => {
  it('share no row with each other, and lie apart in the text', () => {
    const draws = Array.from({ length: 14 }, (_, draw) => starts(packedRows(counting(1000), 10, 7, 'a.txt', draw)))
    expect(draws[0]).toEqual([0, 140, 280, 420, 560, 700, 840])
    expect(draws[1]).toEqual([50, 190, 330, 470, 610, 750, 890]) // 5 of 14: the number below 8.65 that shares no divisor
    expect(new Set(draws.flat())).toHaveLength(98)
  })

  it.each([1, 2, 3, 4, 6, 24, 97])('are as many as there are rows in the space between two: %i', (space) => {
    const first = Array.from({ length: space }, (_, draw) => spacedRows(5 * space + 2, 5, draw, 'a.txt')[0])
    expect([...first].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: space }, (_, i) => i))
    expect(() => spacedRows(5 * space, 5, space, 'a.txt')).toThrow(/^a\.txt gives .* draw/)
  })

  it('of samples are other samples; a text that is too short says how many rows it has for them', () => {
    const samples = Array.from({ length: 9 }, (_, i) => ({ ids: Int32Array.of(i, i) }))
    expect(starts(paddedRows(samples, 4, 4, 0, 'a.txt', 1))).toEqual([1, 3, 5, 7])
    expect(() => paddedRows(samples, 4, 4, 0, 'a.txt', 2)).toThrow(
      'a.txt gives 9 rows, 4 of them are taken: draws 0 to 1 are there without a row in common, draw 2 is asked for; ' +
        'give a longer text, or take at most 3 rows'
    )
  })
})

describe('padded rows', () => {
  it('hold one sample each, cut off or filled up on the right', () => {
    const rows = paddedRows([counting(2), counting(5), counting(3)], 3, 3, 99)
    expect([...rows.ids]).toEqual([0, 1, 99, 0, 1, 2, 0, 1, 2])
    expect([...rows.lengths]).toEqual([2, 3, 3])
    expect(rows.tokenCount).toBe(8)
  })

  it('leave out samples of fewer than two tokens and take the others evenly spaced', () => {
    const samples = Array.from({ length: 9 }, (_, i) => ({ ids: Int32Array.of(i, i) }))
    samples.splice(1, 0, counting(1), counting(0))
    expect(starts(paddedRows(samples, 4, 4, 0))).toEqual([0, 2, 4, 6])
  })

  it('need one sample of two tokens', () => {
    expect(() => paddedRows([counting(1), counting(0)], 4, 4, 0, 'b.txt')).toThrow(/b\.txt has no sample of two/)
  })
})

describe('rows of several texts', () => {
  it('follow one another', () => {
    const rows = concatRows([packedRows(counting(8), 4, 2), paddedRows([counting(3)], 4, 1, 7)])
    expect([...rows.ids]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 7])
    expect([...rows.lengths]).toEqual([4, 4, 3])
    expect(rows).toMatchObject({ context: 4, rows: 3, tokenCount: 11 })
  })

  it('must have one context', () => {
    expect(() => concatRows([packedRows(counting(8), 4, 2), packedRows(counting(8), 8, 1)])).toThrow(RangeError)
  })
})

describe('loading rows from a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quail-rows-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const tokenizer = await ModelTokenizer.open(sampleModel)
  const given = (content: string, kind: ResolvedText['kind']): ResolvedText => {
    writeFileSync(join(folder, 'given'), content)
    return { name: 'given', path: 'given', kind, bytes: content.length, sha256: '' }
  }
  const encode = async (text: string) => [...(await tokenizer.encode(text, { specialTokens: false }))]

  it('packs a text exactly as the reference protocol does', async () => {
    const path = sampleText('moby-evaluation.txt')
    const text: ResolvedText = { name: 'moby-evaluation.txt', path, kind: 'text', bytes: 0, sha256: '' }
    const rows = await loadRows(tokenizer, text, folder, { policy: 'packed', context: 256, rows: 64 })
    // 40,813 tokens are 159 rows; every second one is taken.
    expect(rows).toMatchObject({ rows: 64, context: 256, tokenCount: 64 * 256 })
    const ids = await tokenizer.encode((await import('node:fs')).readFileSync(path, 'utf8'), { specialTokens: false })
    expect(rows.ids.subarray(63 * 256)).toEqual(ids.subarray(63 * 512, 63 * 512 + 256))
  })

  it('packs samples as one text with blank lines between them', async () => {
    const text = given('{"text":"one two"}\n{"text":"three"}', 'samples')
    const ids = await encode('one two\n\nthree')
    const rows = await loadRows(tokenizer, text, folder, { policy: 'packed', context: ids.length, rows: 1 })
    expect([...rows.ids]).toEqual(ids)
  })

  it('pads the paragraphs of a text with the padding token', async () => {
    const text = given('The State of the Union\n\nof the Union\n', 'text')
    const rows = await loadRows(tokenizer, text, folder, { policy: 'padded', context: 6, rows: 9 })
    const [first, second] = [await encode('The State of the Union'), await encode('of the Union')]
    expect([...rows.lengths]).toEqual([first.length, second.length])
    expect([...rows.ids]).toEqual([
      ...first,
      ...Array(6 - first.length).fill(0),
      ...second,
      ...Array(6 - second.length).fill(0)
    ])
  })

  it('says what is left out of samples that are longer than a row, in all rows of several texts', async () => {
    const text = given('The State of the Union\n\nof the Union', 'text')
    const load = (policy: 'packed' | 'padded', context: number) =>
      loadRows(tokenizer, text, folder, { policy, context, rows: 2 })
    const [first, second] = await load('padded', 6).then(({ lengths }) => [...lengths] as [number, number])
    expect((await load('padded', first)).cutOff).toBeUndefined()
    expect((await load('packed', 2)).cutOff).toBeUndefined()
    const cut = await load('padded', 2)
    expect(cut.cutOff).toEqual({ rows: 2, tokens: first + second - 4, longest: first })
    const one = await load('padded', first - 1)
    expect(concatRows([one, await load('padded', first - 1)]).cutOff).toEqual({ rows: 2, tokens: 2, longest: first })
  })

  it.each([
    ['packed', 1_060_000], // more than is read of a line at a time
    ['padded', 300_000] // more than is tokenized at a time
  ] as const)('gives a long sample the tokens of one that is read whole: %s', async (policy, length) => {
    const definition = JSON.parse(readFileSync(join(sampleModel, 'tokenizer.json'), 'utf8'))
    const [{ content, id }] = definition.added_tokens
    const token = { SpecialToken: { id: content, type_id: 0 } }
    const single = [token, { Sequence: { id: 'A', type_id: 0 } }, token]
    const special_tokens = { [content]: { id: content, ids: [id], tokens: [content] } }
    const post_processor = { type: 'TemplateProcessing', single, pair: [], special_tokens }
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...definition, post_processor }))
    const surrounding = await ModelTokenizer.open(folder)
    const long = readFileSync(sampleText('sotu-calibration.txt'), 'utf8').repeat(4).slice(0, length)
    const whole = await surrounding.encode(long, { specialTokens: policy === 'padded' })
    const text = given(JSON.stringify({ text: long }), 'samples')
    const encoded = await encodeText(surrounding, text, folder, policy)
    const rows = await cutRows(encoded, 'x', undefined, { policy, context: whole.length, rows: 1 })
    expect(rows.ids.every((one, i) => one === whole[i])).toBe(true)
    expect([whole[0] === id, whole.at(-1) === id]).toEqual(policy === 'padded' ? [true, true] : [false, false])
    expect(encoded.atATime).toBeLessThan(0.7 * length)
  })

  it('refuses a tokenizer that does not belong to the model', async () => {
    const text = given('The State of the Union', 'text')
    const options = { policy: 'packed', context: 2, rows: 1 } as const
    await expect(loadRows(tokenizer, text, folder, { ...options, vocabularySize: 2767 })).rejects.toThrow(
      'given: the tokenizer gives token 2767, the model knows 0 to 2766'
    )
    await expect(loadRows(tokenizer, text, folder, { ...options, vocabularySize: 2768 })).resolves.toBeDefined()
  })
})
