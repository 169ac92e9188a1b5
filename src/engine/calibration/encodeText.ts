import type { OnProgress } from '../../shared/progress'
import type { Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import type { ChatRenderer } from './chatRenderer'
import { parseConversation } from './conversation'
import { EncodedText, joined, type TextPart } from './encodedText'
import { PrintedParts } from './printedParts'
import { RefusalCount } from './refusedSamples'
import { maskOfSpans } from './responseMask'
import { textPieces } from './textPieces'
import { type ReadText, readTexts, splitSamples, wholeSamples } from './texts'
import type { ModelTokenizer } from './tokenizer'

/** How conversations become tokens. */
export interface ChatEncoding {
  readonly renderer: ChatRenderer
  /** Tells the tokens of responses from the others. */
  readonly responses: boolean
}

/**
 * The tokens of a text of any size: of the whole for `packed`, of each sample for `padded`.
 *
 * Packed conversations of which the responses are asked for are tokenized one by one and put behind one another, so that
 * no token belongs to two of them; otherwise the whole is tokenized in pieces that give the tokens of the whole.
 *
 * @param chat - renders conversations; their texts already hold the special tokens. Those that the template refuses are left out
 *   and counted
 * @param report - told how many bytes are done; for a text in one piece only that it has begun, for no part of it is done before
 */
export async function encodeText(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  chat?: ChatEncoding,
  report: OnProgress = () => {}
): Promise<EncodedText> {
  const inOnePiece = policy === 'packed' && chat?.responses !== true && 'reason' in tokenizer.cuts
  report(0, inOnePiece ? null : text.bytes)
  const noted = { refusals: new RefusalCount(), printed: new PrintedParts() }
  const parts = () => partsOf(tokenizer, text, folder, policy, chat && { ...chat, ...noted })
  const told = ({ at }: TextPart): void => {
    if (!inOnePiece) report(Math.min(at, text.bytes), text.bytes)
  }
  return EncodedText.of(parts, { report: told, ...noted })
}

interface CountedChat extends ChatEncoding {
  readonly refusals: RefusalCount
  readonly printed: PrintedParts
}

function partsOf(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  chat: CountedChat | undefined
): AsyncIterable<TextPart> {
  const read = readTexts(text, folder)
  if (chat?.responses === true) return responseParts(tokenizer, read, chat, text.name)
  const documents = chat === undefined ? read : rendered(read, chat, text.name)
  if (policy === 'packed') {
    const separator = text.kind === 'text' || chat !== undefined ? '' : '\n\n'
    return plainParts(tokenizer, textPieces(separated(documents, separator), tokenizer.cuts, text.name))
  }
  const samples = text.kind === 'text' ? splitSamples(documents, text.name) : wholeSamples(documents)
  return sampleParts(tokenizer, samples, text.name, chat === undefined)
}

async function* plainParts(tokenizer: ModelTokenizer, texts: AsyncIterable<ReadText>): AsyncGenerator<TextPart> {
  for await (const { text, at } of texts) {
    const encode = async () => ({ ids: await tokenizer.encode(text, { specialTokens: false }) })
    yield { encode, at, bytes: Buffer.byteLength(text) }
  }
}

/** Each sample by itself; a long one in pieces, as a whole text is. */
async function* sampleParts(
  tokenizer: ModelTokenizer,
  samples: AsyncIterable<ReadText>,
  name: string,
  specialTokens: boolean
): AsyncGenerator<TextPart> {
  for await (const sample of samples) {
    const pieces: string[] = []
    let bytes = 0
    for await (const { text } of textPieces(once(sample), tokenizer.cuts, name)) {
      pieces.push(text)
      bytes = Math.max(bytes, Buffer.byteLength(text))
    }
    yield { encode: async () => ({ ids: await encodePieces(tokenizer, pieces, specialTokens) }), at: sample.at, bytes }
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value
}

/** The tokens of a text in pieces, with the special tokens that are put around it where they are asked for. */
async function encodePieces(
  tokenizer: ModelTokenizer,
  [first = '', ...others]: readonly string[],
  specialTokens: boolean
): Promise<Int32Array> {
  const whole = await tokenizer.encode(first, { specialTokens })
  if (others.length === 0) return whole
  const plain = await tokenizer.encode(first, { specialTokens: false })
  const begin = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id))
  const parts = [whole.subarray(0, begin + plain.length)]
  for (const piece of others) parts.push(await tokenizer.encode(piece, { specialTokens: false }))
  parts.push(whole.subarray(begin + plain.length))
  return joined(parts.map((ids) => ({ ids }))).ids
}

async function* separated(texts: AsyncIterable<ReadText>, separator: string): AsyncGenerator<ReadText> {
  let first = true
  for await (const { text, at, continues } of texts) {
    yield { text: first || continues ? text : separator + text, at }
    first = false
  }
}

/** Each sample with its number, for messages. */
async function* numbered(samples: AsyncIterable<ReadText>, name: string) {
  let number = 0
  for await (const sample of wholeSamples(samples)) {
    number++
    yield { ...sample, number, where: `${name}, sample ${number}` }
  }
}

async function* rendered(
  samples: AsyncIterable<ReadText>,
  { renderer, refusals, printed }: CountedChat,
  name: string
): AsyncGenerator<ReadText> {
  for await (const { text: sample, at, number, where } of numbered(samples, name)) {
    const conversation = parseConversation(sample, where)
    const text = refusals.unlessRefused(number, () => renderer.render(conversation, where))
    if (text === undefined) continue
    printed.look(number, conversation, text, where)
    yield { text, at }
  }
}

async function* responseParts(
  tokenizer: ModelTokenizer,
  samples: AsyncIterable<ReadText>,
  { renderer, refusals, printed }: CountedChat,
  name: string
): AsyncGenerator<TextPart> {
  for await (const { text: sample, at, number, where } of numbered(samples, name)) {
    const conversation = parseConversation(sample, where)
    const found = refusals.unlessRefused(number, () => renderer.renderWithResponses(conversation, where))
    if (found === undefined) continue
    const { text, responses } = found
    printed.look(number, conversation, text, where)
    const encode = async () => {
      const ids = await tokenizer.encode(text, { specialTokens: false })
      return { ids, response: await maskOfSpans(tokenizer, text, ids, responses) }
    }
    yield { encode, at, bytes: Buffer.byteLength(text) }
  }
}
