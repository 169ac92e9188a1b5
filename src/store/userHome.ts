import { homedir, userInfo } from 'node:os'

/**
 * The home directory of this user, or null. None is known in a container that runs as a user without an entry in passwd, where HOME is
 * not set either; an empty HOME is none, below which all would lie in the present directory.
 */
export function userHome(): string | null {
  try {
    return homedir() || userInfo().homedir || null
  } catch {
    return null
  }
}
