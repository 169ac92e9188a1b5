import { describe, expect, it } from 'vitest'
import { roomBeside } from '../../../../src/engine/run/stateRoom'

const GiB = 2 ** 30

describe('room for hidden states on a device', () => {
  it('is a third of what three times a block leaves of the smallest card', () => {
    expect(roomBeside(GiB, [24 * GiB])).toBe(7 * GiB)
    expect(roomBeside(GiB, [80 * GiB, 24 * GiB])).toBe(7 * GiB)
    expect(roomBeside(0, [24 * GiB])).toBe(8 * GiB)
  })

  it('is none where the block at hand hardly fits', () => {
    expect(roomBeside(3 * GiB, [8 * GiB])).toBe(0)
  })

  it('is small where nobody says how much memory there is', () => {
    expect(roomBeside(GiB, [])).toBe(256 * 2 ** 20)
  })
})
