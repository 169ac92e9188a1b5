import type { OnProgress } from '../../shared/progress'
import type { Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import type { ChatRenderer } from './chatRenderer'
import { parseConversation } from './conversation'
import { maskOfSpans } from './responseMask'
import { readTexts, splitSamples } from './texts'
import type { ModelTokenizer } from './tokenizer'

/** The tokens of a text or of a sample; `response` is 1 for tokens of responses, where conversations were asked for it. */
export interface TokenSequence {
  readonly ids: Int32Array
  readonly response?: Uint8Array | undefined
}

/** How conversations become tokens. */
export interface ChatEncoding {
  readonly renderer: ChatRenderer
  /** Tells the tokens of responses from the others. */
  readonly responses: boolean
}

/**
 * The tokens of a text: of the whole for `packed`, of each sample for `padded`.
 *
 * Packed conversations of which the responses are asked for are tokenized one by one and put behind one another, so that
 * no token belongs to two of them; otherwise the whole is tokenized in one piece.
 *
 * @param chat - renders conversations; their texts already hold the special tokens
 * @param report - told of samples that are done; a text in one piece only that it has begun, for no part of it is done before
 */
export async function encodeText(
  tokenizer: ModelTokenizer,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  chat?: ChatEncoding,
  report: OnProgress = () => {}
): Promise<readonly TokenSequence[]> {
  const read = await readTexts(text, folder)
  if (chat?.responses === true) {
    const samples = await encodeResponses(tokenizer, read, chat.renderer, text.name, report)
    return policy === 'packed' ? [joined(samples)] : samples
  }
  const documents = chat === undefined ? read : renderAll(read, chat.renderer, text.name, report)
  if (policy === 'packed') {
    const separator = chat === undefined ? '\n\n' : ''
    report(0, null)
    return [{ ids: await tokenizer.encode(documents.join(separator), { specialTokens: false }) }]
  }
  const samples = text.kind === 'text' ? documents.flatMap(splitSamples) : documents
  const encoded: TokenSequence[] = []
  for (const [index, sample] of samples.entries()) {
    report(index, samples.length)
    encoded.push({ ids: await tokenizer.encode(sample, { specialTokens: chat === undefined }) })
  }
  return encoded
}

const renderAll = (samples: readonly string[], chat: ChatRenderer, name: string, report: OnProgress): string[] =>
  samples.map((sample, index) => {
    report(index, samples.length)
    const where = `${name}, sample ${index + 1}`
    return chat.render(parseConversation(sample, where), where)
  })

async function encodeResponses(
  tokenizer: ModelTokenizer,
  samples: readonly string[],
  chat: ChatRenderer,
  name: string,
  report: OnProgress
): Promise<Required<TokenSequence>[]> {
  const encoded: Required<TokenSequence>[] = []
  for (const [index, sample] of samples.entries()) {
    report(index, samples.length)
    const where = `${name}, sample ${index + 1}`
    const { text, responses } = chat.renderWithResponses(parseConversation(sample, where), where)
    const ids = await tokenizer.encode(text, { specialTokens: false })
    encoded.push({ ids, response: await maskOfSpans(tokenizer, text, ids, responses) })
  }
  return encoded
}

function joined(parts: readonly TokenSequence[]): TokenSequence {
  const length = parts.reduce((total, { ids }) => total + ids.length, 0)
  const ids = new Int32Array(length)
  const response = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    ids.set(part.ids, at)
    if (part.response !== undefined) response.set(part.response, at)
    at += part.ids.length
  }
  return { ids, response }
}
