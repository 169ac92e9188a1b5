import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DYNAMIC_MAP, dynamicCode } from '../../../../src/engine/numerics/dynamicMap'

describe('the dynamic 8-bit map', () => {
  it('is the one of bitsandbytes, to the bit', () => {
    expect(createHash('sha256').update(new Uint8Array(DYNAMIC_MAP.buffer)).digest('hex')).toBe(
      'e732639a65f497b4ad684bb166a4467708255edd5207757de8b8f0c7e1fda89c'
    )
    const bits = new Uint32Array(DYNAMIC_MAP.buffer)
    expect(bits.reduce((sum, value) => sum + value, 0)).toBe(535306620548)
  })

  it('sends every level outside the reach of its rounding steps back to its own code', () => {
    // One of 65536 steps is 3.05e-5; codes 124 to 130 lie below that and are never taken.
    for (let code = 0; code < 256; code++) {
      if (Math.abs(DYNAMIC_MAP[code] ?? 0) > 1e-3) expect(dynamicCode(DYNAMIC_MAP[code] ?? 0)).toBe(code)
    }
    expect(dynamicCode(0)).toBe(131)
  })

  it('takes values outside [−1, 1] as the ends', () => {
    expect(dynamicCode(-1.5)).toBe(0)
    expect(dynamicCode(1.5)).toBe(255)
  })
})
