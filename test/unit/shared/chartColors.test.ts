import { describe, expect, it } from 'vitest'
import { paintOf } from '../../../src/shared/chartColors'

const on = (method: string, quantizer: string) => ({ method, quantizer })

describe('the paint of variants that are seen together', () => {
  it('is that of the method on one quantizer', () => {
    const paint = paintOf([on('svd', 'nf4'), on('exact', 'nf4')])
    expect(paint(on('svd', 'nf4'))).toEqual({ method: 'svd' })
  })

  it('is never the same for one method on two quantizers', () => {
    const together = ['nf4', 'fp4', 'int8'].flatMap((format) => [on('svd', format), on('exact', format)])
    const paints = together.map(paintOf(together)).map((paint) => JSON.stringify(paint))
    expect(new Set(paints).size).toBe(together.length)
  })
})
