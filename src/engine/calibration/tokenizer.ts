import { Tokenizer } from '@huggingface/tokenizers'
import { AppError, badInput } from '../../shared/errors'
import type { TokenizerFacts } from '../../shared/inspection'
import { isRecord } from '../formats/checkpointFiles'
import { completePreTokenizer, preTokenizersOf, type TokenizerDefinition } from './preTokens'
import { assertDefinition } from './tokenizerDefinition'
import { tokenizerFacts } from './tokenizerFacts'
import { readTokenizerSource, type TokenizerSource } from './tokenizerFiles'

/**
 * The tokenizer of a checkpoint: `tokenizer.json`, executed as it is written, or GPT-2's and OPT's `vocab.json` with
 * `merges.txt`.
 *
 * Special tokens are those of its post-processor; flags such as `add_bos_token` of tokenizer_config.json do not count
 * beside a tokenizer.json, as in transformers 5.
 */
export class ModelTokenizer {
  /** One more than the largest id. */
  readonly vocabularySize: number
  /** Id of the padding token, where the checkpoint names one. */
  readonly padId: number | undefined
  /** Kind, special tokens, and what is put around a text. */
  readonly facts: TokenizerFacts

  /** SHA-256 of everything that decides which ids a text gets. */
  readonly sha256: string
  private readonly path: string

  private constructor(
    private readonly tokenizer: Tokenizer,
    { definition, named, path, sha256 }: TokenizerSource
  ) {
    this.path = path
    this.sha256 = sha256
    this.vocabularySize = largestId(tokenizer) + 1
    this.padId = named.pad === undefined ? undefined : tokenizer.token_to_id(named.pad)
    this.facts = tokenizerFacts(tokenizer, definition, named, this.vocabularySize)
  }

  /**
   * Opens the tokenizer of a checkpoint's directory.
   *
   * @throws {AppError} BAD_INPUT or BAD_FORMAT if there is none that can be read, or it is damaged or holds a part that
   *   is not supported
   */
  static async open(directory: string): Promise<ModelTokenizer> {
    const source = await readTokenizerSource(directory)
    const { definition, path } = source
    assertDefinition(definition, path)
    checkSupported(definition, path)
    return usable(path, () => {
      const tokenizer = new Tokenizer(definition, source.config)
      completePreTokenizer(tokenizer, definition)
      return new ModelTokenizer(tokenizer, source)
    })
  }

  /** The ids of a text, tokenized in one piece; `specialTokens` adds what the post-processor says. */
  encode(text: string, { specialTokens }: { readonly specialTokens: boolean }): Int32Array {
    const { ids } = usable(this.path, () => this.tokenizer.encode(text, { add_special_tokens: specialTokens }))
    if (ids.some((id) => id === undefined))
      throw badInput(
        `${this.path}: a text has a character for which the vocabulary has neither token nor unknown token`
      )
    return Int32Array.from(ids)
  }

  /** The text of the ids, special tokens included, for people to read. */
  decode(ids: ArrayLike<number>): string {
    if (ids.length === 0) return ''
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false }
    return usable(this.path, () => this.tokenizer.decode(Array.from(ids), options))
  }

  /** `BPE, 4096 tokens`. */
  describe(): string {
    return `${this.facts.kind}, ${this.vocabularySize} tokens`
  }
}

function largestId(tokenizer: Tokenizer): number {
  let largest = -1
  for (const id of tokenizer.get_vocab(true).values()) largest = Math.max(largest, id)
  return largest
}

/** Refuses what the library would silently do otherwise than the original. */
function checkSupported(definition: TokenizerDefinition, path: string): void {
  if (definition.model.type === 'Unigram' && definition.model.byte_fallback === true)
    throw badInput(`${path}: a Unigram model with byte_fallback is not supported; BPE models are`)
  const single = definition.added_tokens?.find((token) => isRecord(token) && token.single_word === true)
  if (single !== undefined)
    throw badInput(`${path}: the added token ${JSON.stringify(single)} with single_word is not supported`)
  const split = preTokenizersOf(definition).find(
    ({ type, behavior, invert, pattern }) =>
      type === 'Split' &&
      invert !== true &&
      !['isolated', 'removed'].includes(String(behavior).toLowerCase()) &&
      !(isRecord(pattern) && pattern.String === ' ' && replacesSpaces(definition.normalizer))
  )
  if (split !== undefined)
    throw badInput(`${path}: the pre-tokenizer Split with behavior ${String(split.behavior)} is not supported`)
}

/** True when no space is left after normalization, as in Gemma: a Split at spaces then never splits. */
const replacesSpaces = (normalizer: unknown): boolean => {
  if (!isRecord(normalizer)) return false
  if (Array.isArray(normalizer.normalizers)) return normalizer.normalizers.some(replacesSpaces)
  return normalizer.type === 'Replace' && isRecord(normalizer.pattern) && normalizer.pattern.String === ' '
}

/** The library takes the parts of a definition as they are, and fails in many ways where one is not what it should be. */
function usable<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const unknown = /^Unknown (\w+) type: (.*)$/.exec(reason)
    const message =
      unknown === null
        ? `${path} cannot be used: ${reason}`
        : `${path}: the ${unknown[1]} ${unknown[2]} is not supported`
    throw new AppError('BAD_INPUT', message, { cause })
  }
}
