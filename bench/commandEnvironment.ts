import { readFileSync } from 'node:fs'

/** The environment that the first line of bin/quail.js gives the command line: runs are measured as they are started. */
export function commandEnvironment(program = 'bin/quail.js'): NodeJS.ProcessEnv {
  const [first = ''] = readFileSync(program, 'utf8').split('\n')
  const [, settings] = /^#!\/usr\/bin\/env -S ((?:\w+=\S+ )+)node$/.exec(first) ?? []
  if (settings === undefined) throw new Error(`${program} begins with ${first}: no environment for node was found`)
  const pairs = settings.trim().split(' ')
  return { ...process.env, ...Object.fromEntries(pairs.map((pair) => pair.split('='))) }
}
