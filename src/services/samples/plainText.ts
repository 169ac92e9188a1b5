import type { Split } from '../../shared/samples'

/** Cuts plain text into samples without blank ones; line ends become \n. */
export function splitText(text: string, split: Split): string[] {
  const plain = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
  const parts = split === 'document' ? [plain] : plain.split(split === 'line' ? '\n' : /\n[^\S\n]*\n/)
  return parts.map((part) => (split === 'document' ? part : part.trim())).filter((part) => part.trim() !== '')
}
