import { trimmedParts, unixLines } from '../../engine/formats/textParts'
import { badInput } from '../../shared/errors'
import type { Split } from '../../shared/samples'

/** Characters from which on a document is kept in parts, and the most that are looked through for a place to cut it. */
const DOCUMENT_CHARACTERS = 2 ** 22
const MAX_CHARACTERS = 2 ** 26

/**
 * Cuts plain text into samples without blank ones; line ends become \n.
 *
 * A document is one sample, a long one several, between which stood a blank line: put behind one another with blank lines, as
 * samples of packed rows are, they are the document again.
 *
 * @param path - for messages
 * @param size - characters from which on a document is kept in parts
 * @throws {AppError} BAD_INPUT for a part that is too long
 */
export function splitText(
  pieces: AsyncIterable<string>,
  split: Split,
  path: string,
  size = DOCUMENT_CHARACTERS
): AsyncGenerator<string> {
  const text = unixLines(pieces)
  if (split === 'document') return documentParts(text, path, size)
  const separator = split === 'line' ? /\n/g : /\n[^\S\n]*\n/g
  const tooLong = () => badInput(`${path}: a ${split} is longer than ${MAX_CHARACTERS} characters; cut it into several`)
  return trimmedParts(text, { separator, longest: MAX_CHARACTERS, tooLong })
}

const BLANK_LINE = '\n\n'

async function* documentParts(pieces: AsyncIterable<string>, path: string, size: number): AsyncGenerator<string> {
  let part: string | undefined // is handed on when something with words in it follows
  let rest = ''
  let last = ''
  for await (const piece of pieces) {
    const seen = last + piece
    const cut = rest.length + piece.length < size ? -1 : seen.indexOf(BLANK_LINE)
    const end = rest.length - last.length + cut
    rest += piece
    last = piece.slice(-1)
    if (cut >= 0 && rest.slice(0, end).trim() !== '') {
      if (part !== undefined) yield part
      part = rest.slice(0, end)
      rest = rest.slice(end + BLANK_LINE.length)
      if (rest === '') last = ''
    } else if (rest.length > MAX_CHARACTERS) {
      throw badInput(
        `${path} has ${MAX_CHARACTERS} characters without a blank line, where a document may be kept in parts; ` +
          'split it by line or paragraph, or use the file itself as a text'
      )
    }
  }
  if (rest.trim() !== '') {
    if (part !== undefined) yield part
    yield rest
  } else if (part !== undefined) yield part + BLANK_LINE + rest
}
