import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

/** Programs that are measured against today's: of which commit, and what of today's benchmarks is built with its sources. */
const PROGRAMS = {
  /** The last commit before the solver was reworked. */
  solver: { commit: '4c81de1', folders: ['src'], ours: ['oneLinear.ts', 'syntheticProblem.ts', 'gaussian.ts'] },
  /** The last commit before runs were made faster on the processor. */
  run: { commit: '6336783', folders: ['src', 'bench'], ours: [] }
}

/** The sources of an earlier program in a folder of their own; undefined where the repository does not hold its commit. */
export function earlierTree(root, name) {
  const { commit, folders, ours } = PROGRAMS[name]
  const tree = resolve(root, `out/earlier-${name}`)
  const built = resolve(root, `out/bench-earlier-${name}`)
  for (const folder of [tree, built]) rmSync(folder, { recursive: true, force: true })
  const archive = spawnSync('git', ['archive', commit, ...folders], { cwd: root, maxBuffer: 2 ** 28 })
  if (archive.status !== 0) {
    console.error(`commit ${commit} is not in this repository: nothing is measured against it`)
    return undefined
  }
  mkdirSync(resolve(tree, 'bench'), { recursive: true })
  const unpacked = spawnSync('tar', ['-x', '-C', tree], { input: archive.stdout })
  if (unpacked.status !== 0) throw new Error(`tar could not unpack ${commit}`)
  for (const file of ours) cpSync(resolve(root, 'bench', file), resolve(tree, 'bench', file))
  return tree
}
