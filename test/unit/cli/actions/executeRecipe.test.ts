import { expect, it } from 'vitest'
import { sayingKept } from '../../../../src/cli/actions/executeRecipe'
import { AppError } from '../../../../src/shared/errors'

it('says of a run whose end could not be noted that it is kept, and how it goes on', async () => {
  const notes: string[] = []
  const terminal = { note: (line: string) => void notes.push(line) }
  const full = new AppError('IO', 'quail.db: the disk is full')
  await expect(sayingKept(terminal, 'r1', Promise.reject(full))).rejects.toBe(full)
  expect(notes).toEqual(['run r1 was interrupted and is kept: "quail resume r1" goes on'])
  expect(await sayingKept(terminal, 'r2', Promise.resolve('finished'))).toBe('finished')
  expect(notes).toHaveLength(1)
})
