import type { Tokenizer } from 'tokenizers'
import type { SpecialToken, TokenizerFacts } from '../../shared/inspection'
import { isRecord } from '../formats/checkpointFiles'
import { addedTokensOf, type TokenizerDefinition } from './tokenizerDefinition'
import type { TokenizerSource } from './tokenizerFiles'

/** Special tokens that are listed: models with thousands of reserved ones have only a few in use. */
const MAX_LISTED = 512

/**
 * What people want to know of a tokenizer, from its definition and a look at what it does to a text.
 *
 * @param encoder - gives the ids of texts
 */
export async function tokenizerFacts(
  tokenizer: Tokenizer,
  encoder: Tokenizer,
  { definition, additions, named, around }: TokenizerSource
): Promise<TokenizerFacts> {
  const added = new Map([...addedTokensOf(definition), ...additions].map((token) => [token.content, token]))
  const token = (text: string | undefined): SpecialToken | null => {
    const id = text === undefined ? null : tokenizer.tokenToId(text)
    return text === undefined || id === null ? null : { text, id }
  }
  const special = [...added.values()].flatMap(({ content, special }) => (special ? (token(content) ?? []) : []))
  return {
    kind: typeof definition.model.type === 'string' ? definition.model.type : 'BPE',
    vocabularySize: largestId(tokenizer) + 1,
    normalizer: typeNames(definition.normalizer, 'normalizers'),
    preTokenizer: typeNames(definition.pre_tokenizer, 'pretokenizers'),
    postProcessor: around === undefined ? typeNames(definition.post_processor, 'processors') : 'TemplateProcessing',
    specialTokens: special.sort((a, b) => a.id - b.id).slice(0, MAX_LISTED),
    addedTokens: added.size,
    bos: token(named.bos),
    eos: token(named.eos),
    pad: token(named.pad),
    unknown: token(named.unknown ?? unknownOf(definition)),
    ...(await surroundings(tokenizer, encoder))
  }
}

function largestId(tokenizer: Tokenizer): number {
  let largest = -1
  for (const id of Object.values(tokenizer.getVocab(true))) largest = Math.max(largest, id)
  return largest
}

const unknownOf = ({ model }: TokenizerDefinition): string | undefined =>
  typeof model.unk_token === 'string' ? model.unk_token : undefined

/** `NFC → Lowercase` for a sequence, `ByteLevel` for one part, null for none. */
function typeNames(component: unknown, partsKey: string): string | null {
  if (!isRecord(component)) return null
  const { type, [partsKey]: parts } = component
  if (type === 'Sequence' && Array.isArray(parts))
    return parts
      .map((part) => typeNames(part, partsKey))
      .filter((name) => name !== null)
      .join(' → ')
  return typeof type === 'string' ? type : null
}

/** What the post-processor adds, seen on a short text: the ids that are there only with special tokens. */
async function surroundings(
  tokenizer: Tokenizer,
  encoder: Tokenizer
): Promise<Pick<TokenizerFacts, 'before' | 'after'>> {
  const idsOf = async (addSpecialTokens: boolean) => (await encoder.encode('a', null, { addSpecialTokens })).getIds()
  const [plain, whole] = [await idsOf(false), await idsOf(true)]
  const begin = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id))
  if (plain.length === 0 || begin < 0) return { before: [], after: [] }
  const tokens = async (ids: readonly number[]): Promise<SpecialToken[]> => {
    const texts = await tokenizer.decodeBatch(
      ids.map((id) => [id]),
      false
    )
    return ids.map((id, i) => ({ id, text: texts[i] ?? '' }))
  }
  return { before: await tokens(whole.slice(0, begin)), after: await tokens(whole.slice(begin + plain.length)) }
}
