/** What of this machine must not leave it in a text. */
export interface Identity {
  /** Quail's folder. */
  readonly quailHome: string
  /** The person's folder. */
  readonly userHome: string
  readonly userName: string
  readonly hostName: string
  /** Paths that are known to be the person's: models, texts, results. */
  readonly paths: readonly string[]
}

/**
 * Takes paths, user name and host name out of a text. Of any absolute path only its last part stays, which says what a
 * file is without saying whose.
 */
export function redact(text: string, { quailHome, userHome, userName, hostName, paths }: Identity): string {
  let result = text
  // Known paths first, the longest before those that it lies in: only they may hold spaces and still be found whole.
  const known = [...paths, quailHome, userHome].filter((path) => path.length > 1)
  for (const path of [...new Set(known)].sort((a, b) => b.length - a.length)) {
    const name = path === quailHome ? '<quail home>' : path === userHome ? '<home>' : `…/${lastPart(path)}`
    result = result.replaceAll(path, name).replaceAll(encodeURI(path), name)
  }
  result = result.replaceAll(ABSOLUTE, (_, last: string) => `…/${last}`)
  for (const [name, mark] of [
    [userName, '<user>'],
    [hostName, '<host>']
  ] as const) {
    if (name.length > 1) result = result.replaceAll(wholeWord(name), mark)
  }
  return result
}

/** Absolute paths of POSIX and Windows, also as file URLs, with at least one directory in them. */
const ABSOLUTE =
  /(?<![\w.…>/\\])(?:file:\/\/)?(?:\\\\|(?:[A-Za-z]:)?[\\/])(?:[^\s\\/:*?"<>|'`()[\],;]+[\\/])+([^\s\\/:*?"<>|'`()[\],;]*)/g

const lastPart = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? ''

const wholeWord = (word: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}])${word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'giu')
