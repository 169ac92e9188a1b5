/*
 * Names and texts of files may be of anybody. Each place where one is written for another program to read, or where
 * people copy it from, quotes it by the function for that place; HTML has services/report/html.ts.
 */

/**
 * Characters that a terminal obeys or that hide what stands there: controls, line and paragraph separators, those that
 * turn the direction of writing, invisible ones that join nothing, and halves of surrogate pairs.
 */
const UNSEEN =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]/gu

/** As JSON, Python and YAML write it in quotes. */
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** A text for a line of a terminal: what is not seen is written `\u001b`. */
export const visible = (text: string): string => text.replaceAll(UNSEEN, escaped)

/** A text in quotes, in a form that is the same string in Python, YAML and JSON. */
export const quotedText = (text: string): string => visible(JSON.stringify(text))

/** A word of a command line: bare or in double quotes where every shell takes it so, else as POSIX shells take it. */
export function shellWord(text: string): string {
  const word = text.startsWith('-') ? `./${text}` : text
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (/^[\w@%+=:,./ ()-]+$/.test(word)) return `"${word}"`
  const plain = word.replaceAll("'", `'\\''`)
  if (visible(word) === word) return `'${plain}'`
  // bash, zsh and ksh
  return `$'${visible(word.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`
}

/** A text inside of a line of Markdown, with nothing in it that Markdown or HTML would take for their own. */
export const markdownText = (text: string): string =>
  visible(text)
    .replaceAll(/[\\`*<>[\]|&~$]/g, '\\$&')
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
