import { expect, test } from 'vitest'
import { implementations } from '../../../src/shared/implementations'

test('implementations are found by the names of their files', () => {
  expect(implementations(['a', 'b'], { './x/b.ts': 2, './x/a.js': 1 }, 'src/x')).toEqual({ a: 1, b: 2 })
})

test('a declaration without a file, a file without a declaration and a file without the export are named', () => {
  expect(() => implementations(['a', 'b'], { './x/a.ts': 1 }, 'src/x')).toThrow('src/x: no file implements b')
  expect(() => implementations(['a'], { './x/a.ts': 1, './x/c.ts': 3 }, 'src/x')).toThrow('./x/c.ts implements what')
  expect(() => implementations(['a'], { './x/a.ts': undefined }, 'src/x')).toThrow('lacks the export')
})
