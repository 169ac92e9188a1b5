import { describe, expect, it } from 'vitest'
import { EncodedText, type TextPart } from '../../../../src/engine/calibration/encodedText'

const COUNT = 12

describe('the tokens of a text', () => {
  it('are in order, however long each part takes', async () => {
    let underWay = 0
    let most = 0
    const part = (index: number): TextPart => ({
      at: index,
      bytes: 10,
      encode: async () => {
        most = Math.max(most, ++underWay)
        await new Promise((resolve) => setTimeout(resolve, 3 * (index % 4 === 0 ? 4 : 1)))
        underWay--
        return { ids: Int32Array.of(index, index) }
      }
    })
    const told: number[] = []
    const encoded = await EncodedText.of(partsOf(part), { report: ({ at }) => told.push(at) })
    const whole = Array.from({ length: COUNT }, (_, index) => ({ part: index, begin: 0, end: 2 }))
    const [tokens] = await encoded.take([whole])
    expect([...(tokens?.ids ?? [])]).toEqual(Array.from({ length: 2 * COUNT }, (_, i) => Math.floor(i / 2)))
    expect(told).toEqual(Array.from({ length: COUNT }, (_, i) => i))
    expect(encoded.atATime).toBe(10 * most)
  })

  it('are found one part after the other where parts are long', async () => {
    let underWay = 0
    const part = (index: number): TextPart => ({
      at: index,
      bytes: 2 ** 19,
      encode: async () => {
        expect(underWay++).toBe(0)
        await new Promise((resolve) => setTimeout(resolve, 1))
        underWay--
        return { ids: Int32Array.of(index) }
      }
    })
    expect((await EncodedText.of(partsOf(part))).lengths).toHaveLength(COUNT)
  })

  it('are none where a part has none: its own error is thrown, once those beside it have ended', async () => {
    let ended = 0
    const part = (index: number): TextPart => ({
      at: index,
      bytes: 10,
      encode: async () => {
        await new Promise((resolve) => setTimeout(resolve, index === 0 ? 20 : 1))
        ended++
        if (index > 0) throw new Error(`part ${index}`)
        return { ids: new Int32Array() }
      }
    })
    await expect(EncodedText.of(partsOf(part))).rejects.toThrow('part 1')
    expect(ended).toBeGreaterThan(1)
  })
})

const partsOf = (part: (index: number) => TextPart) =>
  async function* () {
    for (let index = 0; index < COUNT; index++) yield part(index)
  }
