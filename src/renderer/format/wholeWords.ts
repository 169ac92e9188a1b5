/** A piece of a sentence; one that is whole stands on one line. */
export interface Piece {
  readonly text: string
  readonly whole: boolean
}

/** Longer words would leave a hole in a narrow column, or not fit into it: they break wherever they have to. */
const LONGEST = 28

/**
 * A sentence with the words that a line must not end in: `quailora-r16`, `--max-lora-rank`, `sotu-evaluation.txt`. Browsers
 * break after every hyphen, and a name that is cut there reads as two.
 */
export function wholeWords(sentence: string): Piece[] {
  const pieces: Piece[] = []
  let before = ''
  for (const text of sentence.split(/(\s+)/)) {
    if (!text.includes('-') || text.length > LONGEST) {
      before += text
      continue
    }
    if (before !== '') pieces.push({ text: before, whole: false })
    pieces.push({ text, whole: true })
    before = ''
  }
  return before === '' ? pieces : [...pieces, { text: before, whole: false }]
}
