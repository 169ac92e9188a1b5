import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { userHome } from '../../store/userHome'

/**
 * The Hugging Face caches that this user may have, existing ones only, each once: `HF_HUB_CACHE` (and its old name
 * `HUGGINGFACE_HUB_CACHE`), `HF_HOME/hub`, and the default below the home directory. The library looks in the first that
 * is set; people change such settings and keep what they downloaded before, so all of them are searched.
 */
export async function huggingFaceCaches(env: NodeJS.ProcessEnv, home: string = userHome() ?? '/'): Promise<string[]> {
  const cacheHome = env.XDG_CACHE_HOME || join(home, '.cache')
  const candidates = [
    env.HF_HUB_CACHE,
    env.HUGGINGFACE_HUB_CACHE,
    env.HF_HOME && join(env.HF_HOME, 'hub'),
    join(cacheHome, 'huggingface', 'hub'),
    join(home, '.cache', 'huggingface', 'hub')
  ]
  const found = new Map<string, string>()
  for (const candidate of candidates) {
    if (!candidate) continue
    const path = resolve(expandHome(candidate, home))
    const real = await realpath(path).catch(() => undefined)
    if (real !== undefined && !found.has(real)) found.set(real, path)
  }
  return [...found.values()]
}

const expandHome = (path: string, home: string): string =>
  path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path
