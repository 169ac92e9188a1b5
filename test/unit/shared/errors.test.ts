import { expect, it } from 'vitest'
import { serializeError } from '../../../src/shared/errors'

const thrownBy = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

it('says in words that the memory is full, which is no defect', () => {
  // Arrays as large as V8 has any, none of them written to: sooner or later no system gives another one.
  const kept: Float64Array[] = []
  const fill = () => {
    while (kept.length < 2 ** 20) kept.push(new Float64Array(2 ** 32 - 1))
  }
  expect(serializeError(thrownBy(fill))).toMatchObject({
    code: 'IO',
    message: expect.stringMatching(/^the memory is full: /)
  })
})

it('leaves an array of an impossible length the defect that it is', () => {
  expect(serializeError(thrownBy(() => new Float64Array(2 ** 40)))).toMatchObject({ code: 'INTERNAL' })
})
