/*
 * The `precompiled_charsmap` of the Precompiled normalizer, as SentencePiece writes it: the length of a trie in bytes
 * (uint32), the trie, and the replacements, UTF-8 that ends with a zero byte each; all little-endian, in base64. The trie
 * is a double array: the bytes of a text lead from unit to unit, and a unit with a leaf points at a replacement.
 *
 * Source: SentencePiece, normalizer.cc (PrecompileCharsMap) and darts-clone.
 */

/**
 * Whether every text can be looked up without leaving the trie or the replacements. The tokenizers library takes that
 * for granted, and ends the process where it is not so.
 */
export function isSoundCharsMap(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length < 4 || bytes.toString('base64') !== base64) return false
  const trieBytes = bytes.readUInt32LE(0) & ~3
  if (trieBytes === 0 || 4 + trieBytes > bytes.length) return false
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
  const replacements = bytes.subarray(4 + trieBytes)
  return isUtf8(replacements) && staysInside(trie, replacements)
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

const hasLeafBelow = (unit: number): boolean => ((unit >>> 8) & 1) === 1
const leafValue = (unit: number): number => unit & 0x7fffffff
const offsetFrom = (unit: number): number => (unit >>> 10) * 2 ** ((unit & 0x200) >>> 6)
/** A unit that is no child at all has the highest bit set, and so no byte for a label. */
const labelFrom = (unit: number): number => unit & 0x800000ff

/** Follows every path from the root. */
function staysInside(trie: Uint32Array, replacements: Uint8Array): boolean {
  const seen = new Uint8Array(trie.length)
  const waiting = [offsetFrom(trie[0] as number)]
  for (let base = waiting.pop(); base !== undefined; base = waiting.pop()) {
    if (base >= 2 ** 31 || (base | 0xff) >= trie.length) return false
    if (seen[base] === 1) continue
    seen[base] = 1
    for (let byte = 1; byte < 256; byte++) {
      const unit = trie[base ^ byte] as number
      if (labelFrom(unit) !== byte) continue
      const next = (base ^ byte ^ offsetFrom(unit)) >>> 0
      if (hasLeafBelow(unit) && !isReplacement(trie[next], replacements)) return false
      waiting.push(next)
    }
  }
  return true
}

/** Whether a leaf points at the beginning of a character, or at the end. */
function isReplacement(leaf: number | undefined, replacements: Uint8Array): boolean {
  if (leaf === undefined || leafValue(leaf) > replacements.length) return false
  return ((replacements[leafValue(leaf)] ?? 0) & 0xc0) !== 0x80
}
