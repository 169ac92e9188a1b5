import { ModelTokenizer } from '../../src/engine/calibration/tokenizer'

/** Words, white space, digits, signs, an accent of its own, other scripts and an emoji. */
const TEXT =
  'The  quick brown\tfox, 12,345 times!\n\ncafe\u0301 \u041c\u0438\u0440 \u4e16\u754c \u{1f600} <|endoftext|> don\u2019t'

/** Opens the tokenizer of a directory, and takes a text there and back. */
export async function readTokenizer(directory: string): Promise<void> {
  const tokenizer = await ModelTokenizer.open(directory)
  await tokenizer.decode(await tokenizer.encode(TEXT, { specialTokens: true }))
}
