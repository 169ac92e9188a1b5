import { spawnSync } from 'node:child_process'

/**
 * Builds the program, unless QUAIL_BUILT says that it was done just before: suites that run beside each other must not
 * empty the folder that the other one uses.
 *
 * @returns exit status, 0 when it is there
 */
export const build = () =>
  process.env.QUAIL_BUILT === '1'
    ? 0
    : (spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' }).status ?? 1)
