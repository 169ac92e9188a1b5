import { rmSync } from 'node:fs'
import { afterAll } from 'vitest'

/** Takes directories that the tests of a file make, and removes them after the last. */
export function removedAfterTests(): (directory: string) => string {
  const made: string[] = []
  afterAll(() => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true })
  })
  return (directory) => {
    made.push(directory)
    return directory
  }
}
