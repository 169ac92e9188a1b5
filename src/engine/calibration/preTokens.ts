import { PreTokenizer, type Tokenizer } from '@huggingface/tokenizers'
import { badInput } from '../../shared/errors'

/*
 * Completes the pre-tokenization of @huggingface/tokenizers 0.2.0, where it would give other tokens than the original
 * or work on a whole document as if it were one word.
 */

/** The parts of tokenizer.json that are looked at here. */
export interface TokenizerDefinition {
  readonly normalizer?: Component | null
  readonly pre_tokenizer?: Component | null
  readonly model: Component & { readonly vocab?: unknown; readonly byte_fallback?: boolean }
  readonly added_tokens?: readonly unknown[]
  readonly [key: string]: unknown
}
interface Component {
  readonly type?: string
  readonly [key: string]: unknown
}

/** Longest stretch that the Unigram model is given in one piece: it passes its tokens as arguments, on the stack. */
const MAX_UNIGRAM_CHARACTERS = 100_000

/** Pre-tokens up to this length are left alone. */
const SHORT = 64

/** Beside these, words begin or end: marks that stand for a space, and line ends, as text and in byte-level form. */
const MARKS = new Set(['\u2581', '\u0120', '\u010a', '\n'])

/** Puts itself in front of the model: calls what the tokenizer had, then cuts further where that is right. */
class CuttingPreTokenizer extends PreTokenizer {
  private readonly inner: PreTokenizer | null
  private readonly wordMark: string | undefined
  private readonly unigram: boolean
  private readonly cutsLongPieces: boolean
  private readonly vocabulary: () => Iterable<string>
  private crossings: Set<string> | undefined

  constructor(inner: PreTokenizer | null, definition: TokenizerDefinition, vocabulary: () => Iterable<string>) {
    super()
    this.inner = inner
    this.wordMark = metaspaceMark(definition)
    this.unigram = definition.model.type === 'Unigram'
    // A model that looks a whole pre-token up, or marks the end of a word, sees the cuts.
    this.cutsLongPieces = definition.model.ignore_merges !== true && !definition.model.end_of_word_suffix
    this.vocabulary = vocabulary
  }

  pre_tokenize_text(text: string, options?: unknown): string[] {
    const pieces = this.inner === null ? [text] : (this.inner as CallablePreTokenizer)(text, options)
    const words = this.wordMark === undefined ? pieces : pieces.flatMap(splitBefore(this.wordMark))
    return words.flatMap((word) => this.cut(word))
  }

  private cut(word: string): string[] {
    if (word.length <= SHORT || !this.cutsLongPieces) return [word]
    this.crossings ??= crossingPairs(this.vocabulary())
    const pieces = cutWhereNothingCrosses(word, this.crossings)
    const longest = pieces.reduce((length, piece) => Math.max(length, piece.length), 0)
    if (this.unigram && longest > MAX_UNIGRAM_CHARACTERS)
      throw badInput(
        `the text has ${longest} characters without a space, which this tokenizer cannot take in one piece`
      )
    return pieces
  }
}
type CallablePreTokenizer = (text: string, options?: unknown) => string[]

/** Lets `tokenizer` pre-tokenize as `definition` says. */
export function completePreTokenizer(tokenizer: Tokenizer, definition: TokenizerDefinition): void {
  const vocabulary = () => tokenizer.get_vocab(true).keys()
  setUnicodeSpaces(tokenizer.pre_tokenizer)
  tokenizer.pre_tokenizer = new CuttingPreTokenizer(tokenizer.pre_tokenizer, definition, vocabulary)
}

/** Every pre-tokenizer of the definition, those inside sequences too. */
export const preTokenizersOf = (definition: TokenizerDefinition): Component[] => flatten(definition.pre_tokenizer)

const flatten = (component: Component | null | undefined): Component[] => {
  if (!component) return []
  const parts = component.type === 'Sequence' ? component.pretokenizers : undefined
  return Array.isArray(parts) ? (parts as Component[]).flatMap(flatten) : [component]
}

/** The character before which Metaspace splits words (`split`, true by default), which the library leaves out. */
function metaspaceMark(definition: TokenizerDefinition): string | undefined {
  const metaspace = preTokenizersOf(definition).find(({ type }) => type === 'Metaspace')
  if (metaspace === undefined || metaspace.split === false) return undefined
  return typeof metaspace.replacement === 'string' ? metaspace.replacement : '\u2581'
}

/** `▁a▁b` → `▁a`, `▁b`: every mark begins a new piece. */
const splitBefore =
  (mark: string) =>
  (text: string): string[] =>
    text
      .split(mark)
      .map((part, index) => (index === 0 ? part : mark + part))
      .filter((part) => part !== '')

/** Pairs of neighbouring characters, one of them a mark, that stand inside some token of the vocabulary. */
function crossingPairs(vocabulary: Iterable<string>): Set<string> {
  const pairs = new Set<string>()
  for (const token of vocabulary) {
    let previous = ''
    for (const character of token) {
      if (previous !== '' && (MARKS.has(previous) || MARKS.has(character))) pairs.add(previous + character)
      previous = character
    }
  }
  return pairs
}

/**
 * Cuts a long pre-token beside marks, between two characters that no token holds side by side.
 *
 * No token can then reach across the cut: a BPE merge across it would make such a token, and a Unigram lattice has no
 * edge over it. Both sides are therefore tokenized independently of each other already, and the tokens stay the same.
 */
function cutWhereNothingCrosses(word: string, crossings: ReadonlySet<string>): string[] {
  const pieces: string[] = []
  let start = 0
  let position = 0
  let previous = ''
  for (const character of word) {
    const beside = MARKS.has(character) || MARKS.has(previous)
    if (beside && position > start && !crossings.has(previous + character)) {
      pieces.push(word.slice(start, position))
      start = position
    }
    position += character.length
    previous = character
  }
  pieces.push(word.slice(start))
  return pieces
}

/** JavaScript's \s takes U+FEFF for a space and U+0085 for none; the original follows Unicode's White_Space. */
const BYTE_LEVEL_PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

function setUnicodeSpaces(preTokenizer: PreTokenizer | null): void {
  if (preTokenizer === null) return
  const internals = preTokenizer as unknown as { use_regex?: boolean; pattern?: RegExp; tokenizers?: PreTokenizer[] }
  internals.tokenizers?.forEach(setUnicodeSpaces)
  if (internals.use_regex !== undefined) internals.pattern = BYTE_LEVEL_PATTERN
}
