/** The last part of a path, of any platform. */
export const baseName = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path

/** A path shortened in the middle, so that its beginning and its name stay readable. */
export function shortenPath(path: string, length = 48): string {
  if (path.length <= length) return path
  const name = baseName(path)
  if (name.length >= length - 2) return `…${name.slice(-(length - 1))}`
  const room = length - name.length - 2
  return `${path.slice(0, Math.max(1, room))}…${path.slice(-(name.length + 1))}`
}
