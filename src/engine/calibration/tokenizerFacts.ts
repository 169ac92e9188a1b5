import type { Tokenizer } from '@huggingface/tokenizers'
import type { SpecialToken, TokenizerFacts } from '../../shared/inspection'
import type { TokenizerDefinition } from './preTokens'

/** Special tokens that are listed: models with thousands of reserved ones have only a few in use. */
const MAX_LISTED = 512

/** The special tokens that the checkpoint's configuration names, where it does. */
export interface NamedTokens {
  readonly bos?: string | undefined
  readonly eos?: string | undefined
  readonly pad?: string | undefined
  readonly unknown?: string | undefined
}

/** What people want to know of a tokenizer, from its definition and a look at what it does to a text. */
export function tokenizerFacts(
  tokenizer: Tokenizer,
  definition: TokenizerDefinition,
  named: NamedTokens,
  vocabularySize: number
): TokenizerFacts {
  const added = (definition.added_tokens ?? []).filter(isAddedToken)
  const special = added.filter((token) => token.special === true).sort((a, b) => a.id - b.id)
  const token = (text: string | undefined): SpecialToken | null => {
    const id = text === undefined ? undefined : tokenizer.token_to_id(text)
    return text === undefined || id === undefined ? null : { text, id }
  }
  return {
    kind: definition.model.type ?? 'BPE',
    vocabularySize,
    normalizer: typeNames(definition.normalizer, 'normalizers'),
    preTokenizer: typeNames(definition.pre_tokenizer, 'pretokenizers'),
    postProcessor: typeNames(definition.post_processor, 'processors'),
    specialTokens: special.slice(0, MAX_LISTED).map(({ content, id }) => ({ text: content, id })),
    addedTokens: added.length,
    bos: token(named.bos),
    eos: token(named.eos),
    pad: token(named.pad),
    unknown: token(named.unknown ?? unknownOf(definition)),
    ...surroundings(tokenizer)
  }
}

interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special?: unknown
}

const isAddedToken = (value: unknown): value is AddedToken =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as AddedToken).id === 'number' &&
  typeof (value as AddedToken).content === 'string'

const unknownOf = ({ model }: TokenizerDefinition): string | undefined =>
  typeof model.unk_token === 'string' ? model.unk_token : undefined

/** `NFC → Lowercase` for a sequence, `ByteLevel` for one part, null for none. */
function typeNames(component: unknown, partsKey: string): string | null {
  if (typeof component !== 'object' || component === null) return null
  const { type, [partsKey]: parts } = component as Record<string, unknown>
  if (type === 'Sequence' && Array.isArray(parts))
    return parts
      .map((part) => typeNames(part, partsKey))
      .filter((name) => name !== null)
      .join(' → ')
  return typeof type === 'string' ? type : null
}

/** What the post-processor adds, seen on a short text: the ids that are there only with special tokens. */
function surroundings(tokenizer: Tokenizer): Pick<TokenizerFacts, 'before' | 'after'> {
  const plain = idsOf(tokenizer, false)
  const whole = idsOf(tokenizer, true)
  const begin = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id))
  if (plain.length === 0 || begin < 0) return { before: [], after: [] }
  const tokens = (ids: readonly number[]): SpecialToken[] =>
    ids.map((id) => ({ id, text: tokenizer.decode([id], { skip_special_tokens: false }) }))
  return { before: tokens(whole.slice(0, begin)), after: tokens(whole.slice(begin + plain.length)) }
}

const idsOf = (tokenizer: Tokenizer, special: boolean): number[] =>
  tokenizer.encode('a', { add_special_tokens: special }).ids.filter((id) => id !== undefined)
