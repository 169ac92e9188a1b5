/** A name out of an address; one that somebody typed and that is not encoded stays as it is. */
export function partName(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
