import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

/** The commit whose solver today's is measured against: the last one before it was reworked. */
const COMMIT = '4c81de1'
/** What of the benchmarks is built with that commit's sources. */
const OURS = ['oneLinear.ts', 'syntheticProblem.ts', 'gaussian.ts']

/** The sources of the earlier commit in a folder of their own; undefined where the repository does not hold it. */
export function earlierTree(root) {
  const tree = resolve(root, 'out/earlier')
  const built = resolve(root, 'out/bench-earlier')
  for (const folder of [tree, built]) rmSync(folder, { recursive: true, force: true })
  const archive = spawnSync('git', ['archive', COMMIT, 'src'], { cwd: root, maxBuffer: 2 ** 28 })
  if (archive.status !== 0) {
    console.error(`commit ${COMMIT} is not in this repository: nothing is measured against it`)
    return undefined
  }
  mkdirSync(resolve(tree, 'bench'), { recursive: true })
  const unpacked = spawnSync('tar', ['-x', '-C', tree], { input: archive.stdout })
  if (unpacked.status !== 0) throw new Error(`tar could not unpack ${COMMIT}`)
  for (const name of OURS) cpSync(resolve(root, 'bench', name), resolve(tree, 'bench', name))
  return tree
}
