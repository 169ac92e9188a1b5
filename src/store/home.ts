import { isAbsolute, join, resolve } from 'node:path'
import { badInput } from '../shared/errors'
import { userHome } from './userHome'

/**
 * The directory that holds everything Quail keeps: the database and the run folders.
 *
 * `QUAIL_HOME` when set; otherwise the platform's place for application data: `$XDG_DATA_HOME/quail` (default
 * `~/.local/share/quail`), `~/Library/Application Support/Quail` on macOS, `%APPDATA%\Quail` on Windows. Absolute.
 *
 * @throws {AppError} BAD_INPUT where nothing says of a place, not even a home directory
 */
export function quailHome(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string | null = userHome()
): string {
  if (env.QUAIL_HOME) return resolve(env.QUAIL_HOME)
  if (home === null)
    throw badInput('no home directory is known of this user; set QUAIL_HOME to a directory for what Quail keeps')
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Quail')
  if (platform === 'win32') return join(env.APPDATA || join(home, 'AppData', 'Roaming'), 'Quail')
  // The XDG specification says that a relative path is to be ignored.
  const data = env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : join(home, '.local', 'share')
  return join(data, 'quail')
}

/** Path of the database below a home directory. */
export const databaseFile = (home: string): string => join(home, 'quail.db')

/** Directory of the run folders below a home directory. */
export const runsDirectory = (home: string): string => join(home, 'runs')

/** Directory of second moments that are kept for later runs. */
export const momentsDirectory = (home: string): string => join(home, 'moments')

/** Directory of what `npm run setup:cuda` brings. */
export const cudaDirectory = (home: string): string => join(home, 'cuda')

/** Directory of adapters that were given no other place: beside the run folders, so that deleting a run leaves them. */
export const adaptersDirectory = (home: string): string => join(home, 'adapters')
