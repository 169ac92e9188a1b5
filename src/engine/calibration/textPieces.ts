import { badInput } from '../../shared/errors'
import type { NoCuts, TextCuts } from './textCuts'
import type { ReadText } from './texts'

/** Characters of a piece, about: enough that calls of the tokenizer do not matter, few enough that each takes a moment. */
const PIECE = 2 ** 17

/** Characters that may be tokenized in one piece, which takes about 138 bytes of memory for each. */
const MAX_PIECE = 2 ** 25

/**
 * A text in pieces of which the tokens, one behind the other, are those of the whole. A text that cannot be cut is one piece,
 * if it is not too long for that.
 *
 * @param name - what the text is called, for the error
 * @throws {AppError} BAD_INPUT for a text that is too long for one piece and cannot be cut, with the reason
 */
export async function* textPieces(
  chunks: AsyncIterable<ReadText>,
  cuts: TextCuts | NoCuts,
  name: string,
  size = PIECE
): AsyncGenerator<ReadText> {
  const find = 'reason' in cuts ? undefined : placeFinder(cuts)
  let rest = ''
  let searched = 0
  let at = 0
  for await (const chunk of chunks) {
    at = chunk.at
    rest += chunk.text
    // The letter behind a cut is looked at too; a cut is searched for on both sides of where it should be.
    while (find !== undefined && rest.length >= Math.max(2 * size, searched + 2)) {
      const cut = find(rest, size, searched)
      searched = rest.length - 2
      if (cut === undefined) break
      yield { text: rest.slice(0, cut.end), at }
      rest = rest.slice(cut.next)
      searched = 0
    }
    if (rest.length > MAX_PIECE) throw badInput(tooLong(name, cuts))
  }
  if (rest !== '') yield { text: rest, at }
}

interface Place {
  readonly end: number
  readonly next: number
}

/** Finds the last cut before `size` characters, else the first one behind; `searched` characters are known to have none. */
function placeFinder({ letters, separators, dropped }: TextCuts) {
  const expression = new RegExp(`[${letters}][${separators.join('')}](?=[${letters}])`, 'gu')
  const placeAt = (index: number): Place => ({ end: index + 1, next: index + (dropped ? 2 : 1) })
  return (text: string, size: number, searched: number): Place | undefined => {
    for (let from = size; searched === 0 && from > 0; from -= WINDOW) {
      const begin = Math.max(0, from - WINDOW)
      const last = [...text.slice(begin, from).matchAll(expression)].at(-1)
      if (last !== undefined) return placeAt(begin + last.index)
    }
    expression.lastIndex = Math.max(size - WINDOW, searched - 2, 0)
    const found = expression.exec(text)
    return found === null ? undefined : placeAt(found.index)
  }
}

/** Characters that are looked through at a time, from the end. */
const WINDOW = 1024

const tooLong = (name: string, cuts: TextCuts | NoCuts): string =>
  'reason' in cuts
    ? `${name} is longer than ${MAX_PIECE} characters, which is as much as the tokenizer of this model takes: a text cannot be cut ` +
      `for it (${cuts.reason}); cut it into several files`
    : `${name} has ${MAX_PIECE} characters without a blank or a line end between two letters, where a text can be cut; ` +
      'cut it into several files'
