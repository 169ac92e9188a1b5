import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprintLinear, fingerprintModel } from '../../../../src/engine/quantizers/fingerprint'

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
const quantized = { packed: Uint8Array.of(1, 2, 3), absmax: Float32Array.of(1, 0.5) }

describe('the fingerprint', () => {
  it('hashes the packed codes and the little-endian bytes of the raw absmax', () => {
    expect(fingerprintLinear('a.b', quantized)).toEqual({
      name: 'a.b',
      codes: sha256(Uint8Array.of(1, 2, 3)),
      absmax: sha256(Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f))
    })
  })

  it('hashes only the absmax values that belong to the weight when they are part of a larger buffer', () => {
    const part = { ...quantized, absmax: Float32Array.of(9, 1, 0.5, 9).subarray(1, 3) }
    expect(fingerprintLinear('a.b', part)).toEqual(fingerprintLinear('a.b', quantized))
  })

  it('of a model is over name and digest lines in byte order, whatever order they come in', () => {
    const linears = ['b', 'a.10', 'a.2', 'é', 'Z'].map((name) => ({ name, codes: `c${name}`, absmax: `m${name}` }))
    const model = fingerprintModel(linears)
    expect(model.codes).toBe(sha256('Z cZ\na.10 ca.10\na.2 ca.2\nb cb\né cé\n'))
    expect(model.absmax).toBe(sha256('Z mZ\na.10 ma.10\na.2 ma.2\nb mb\né mé\n'))
    expect(fingerprintModel([...linears].reverse())).toEqual(model)
  })
})
