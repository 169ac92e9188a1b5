/**
 * What implements each declared name, from modules that were found by their file names: `./bases/exact.ts` is `exact`.
 * Declaration and file cannot be out of step: nothing starts while one lacks the other.
 *
 * @param found - by path; undefined where a module lacks the export
 * @throws {Error} naming what is missing and where it is expected
 */
export function implementations<N extends string, T>(
  names: readonly N[],
  found: Readonly<Record<string, T | undefined>>,
  folder: string
): Readonly<Record<N, T>> {
  const byName = new Map(
    Object.entries(found).map(([path, value]) => [/([^/]+)\.[jt]s$/.exec(path)?.[1] ?? path, { path, value }])
  )
  const orphan = [...byName.keys()].find((name) => !(names as readonly string[]).includes(name))
  if (orphan !== undefined) throw new Error(`${folder}: ${byName.get(orphan)?.path} implements what nothing declares`)
  const entries = names.map((name) => {
    const value = byName.get(name)?.value
    if (value === undefined) throw new Error(`${folder}: no file implements ${name}, or it lacks the export`)
    return [name, value]
  })
  return Object.fromEntries(entries) as Record<N, T>
}
