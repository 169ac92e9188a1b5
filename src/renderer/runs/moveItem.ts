/** The ids with one of them at another place; places beyond the ends are the ends. */
export function moveItem(ids: readonly string[], id: string, to: number): string[] {
  const others = ids.filter((other) => other !== id)
  if (others.length === ids.length) return [...ids]
  const place = Math.max(0, Math.min(others.length, to))
  return [...others.slice(0, place), id, ...others.slice(place)]
}
