import document from '../../../docs/glossary.md?raw'
import { capitalized } from '../format/letters'

/*
 * What the words of the window mean: docs/glossary.md itself, so that there is one wording.
 */

/** The meanings of a glossary by word. A row may explain several words; marks of the document are left out. */
export function readGlossary(text: string): ReadonlyMap<string, string> {
  const meanings = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('|') || /^\|[-|\s]+$/.test(line)) continue
    const [words = '', meaning = ''] = line
      .slice(1)
      .split('|')
      .map((cell) => plain(cell.trim()))
    for (const word of words.split(/,\s*/)) meanings.set(word, meaning)
  }
  return meanings
}

const plain = (cell: string): string => cell.replaceAll('`', '').replaceAll(/\*(.+?)\*/g, '$1')

const GLOSSARY = readGlossary(document)

/** The words that headings of the window explain; each stands in the glossary. */
export const TERMS = [
  'adapter',
  'block',
  'calibrateOn',
  'calibration set',
  'certificate',
  'checkpoint',
  'context',
  'device',
  'double quantization',
  'draw',
  'enough',
  'evaluation',
  'factorDtype',
  'firstToken',
  'gap closed',
  'iterations',
  'KL divergence',
  'linear',
  'loss',
  'lossOn',
  'memory budget',
  'method',
  'not distinguishable',
  'neverWorse',
  'onDeviceFailure',
  'perplexity',
  'policy',
  'pre-quantized checkpoint',
  'quantizer',
  'rank',
  'rankBudget',
  'refinement',
  'rows',
  'same top token',
  'scaling',
  'seed',
  'standard error',
  'targets',
  'templateDate',
  'variant'
] as const
export type TermName = (typeof TERMS)[number]

export const isTerm = (word: string): word is TermName => (TERMS as readonly string[]).includes(word)

/** What a word means, as a sentence; undefined where the glossary does not explain it. */
export function meaningOf(term: TermName): string | undefined {
  const meaning = GLOSSARY.get(term)
  return meaning && `${capitalized(meaning)}.`
}
