import { existsSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * An order of test files: these first, as they are given, the others as vitest orders them, by what they took the last time
 * or by their size. One that takes long and is begun late keeps one worker while the other has nothing to do.
 *
 * @param long - absolute paths, the longest first
 * @param last - absolute paths of those that come behind all others
 * @throws {Error} when one of them is not there
 */
export function longestFirst(long: readonly string[], last: readonly string[] = []): typeof BaseSequencer {
  const lost = long.filter((path) => !existsSync(path))
  if (lost.length > 0) throw new Error(`an order of tests names files that are not there: ${lost.join(', ')}`)
  return class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const rank = ({ moduleId }: TestSpecification) => {
        if (last.includes(moduleId)) return long.length + 1
        return long.includes(moduleId) ? long.indexOf(moduleId) : long.length
      }
      return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
    }
  }
}
