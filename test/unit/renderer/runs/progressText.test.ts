import { expect, test } from 'vitest'
import { doneSentence } from '../../../../src/renderer/runs/progressText'

test('a run that another process works on says how far it is, and before its blocks are counted that it is begun', () => {
  expect(doneSentence(1, 4)).toBe('1 of 4 blocks done.')
  expect(doneSentence(0, 0)).toBe('Begun; the checkpoint and the texts are read first.')
})
