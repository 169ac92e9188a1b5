/** Where a text is cut, and the longest part that is accepted. */
export interface Parting {
  /** Global, and used for nothing else meanwhile. */
  readonly separator: RegExp
  /** Characters. */
  readonly longest: number
  /** The error for a longer one. */
  readonly tooLong: () => Error
}

/** The parts of a text between separators, trimmed, never empty; the text may come in any pieces. */
export async function* trimmedParts(
  pieces: AsyncIterable<string>,
  { separator, longest, tooLong }: Parting
): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    separator.lastIndex = rest.trimEnd().length // there is none in what was looked through before
    rest += piece
    let begin = 0
    for (let end = separator.exec(rest); end !== null; end = separator.exec(rest)) {
      const text = rest.slice(begin, end.index).trim()
      begin = end.index + end[0].length
      if (text === '') continue
      yield text
    }
    rest = rest.slice(begin)
    if (rest.length > longest) throw tooLong()
  }
  if (rest.trim() !== '') yield rest.trim()
}

/** A text with line ends \n, as Python's text mode gives it; the text may come in any pieces. */
export async function* unixLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let open = ''
  for await (const next of pieces) {
    const piece = open + next
    // A \n may follow the last \r: they are one line end.
    open = piece.endsWith('\r') ? '\r' : ''
    yield piece
      .slice(0, piece.length - open.length)
      .replaceAll('\r\n', '\n')
      .replaceAll('\r', '\n')
  }
  if (open !== '') yield '\n'
}
