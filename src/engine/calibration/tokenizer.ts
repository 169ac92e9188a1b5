import { AddedToken, type Normalizer, Tokenizer, templateProcessing } from 'tokenizers'
import { AppError, badInput } from '../../shared/errors'
import type { RebuiltFacts, TokenizerFacts } from '../../shared/inspection'
import { faultyPart } from './faultyPart'
import { quoted } from './gpt2Files'
import { probes } from './rebuiltTokenizer'
import type { AddedTokenOfFile } from './specialTokens'
import { withoutSpecialTokens } from './splitSpecialTokens'
import { type NoCuts, type TextCuts, textCuts } from './textCuts'
import { addedTokensOf, type TokenizerDefinition, type TokenizerTables, tablesOf } from './tokenizerDefinition'
import { tokenizerFacts } from './tokenizerFacts'
import { readTokenizerSource, type TokenizerSource } from './tokenizerFiles'

/**
 * The tokenizer of a checkpoint: `tokenizer.json`, executed as it is written by the library of which Python's
 * `tokenizers` is the other form, or GPT-2's and OPT's `vocab.json` with `merges.txt`; with the special tokens that stand
 * beside it.
 *
 * Special tokens around a text are those of its post-processor; flags such as `add_bos_token` of tokenizer_config.json do
 * not count beside a tokenizer.json, nor do its truncation and padding, as in transformers 5.
 */
export class ModelTokenizer {
  /** SHA-256 of everything that decides which ids a text gets. */
  readonly sha256: string
  #cuts: TextCuts | NoCuts | undefined

  private constructor(
    private readonly tokenizer: Tokenizer,
    /** Gives the ids of texts: another one where special tokens in a text are not to be found. */
    private readonly encoder: Tokenizer,
    private readonly source: TokenizerSource,
    /** Kind, special tokens, and what is put around a text. */
    readonly facts: TokenizerFacts
  ) {
    this.sha256 = source.sha256
  }

  /**
   * Opens the tokenizer of a checkpoint's directory.
   *
   * @throws {AppError} BAD_INPUT or BAD_FORMAT if there is none that can be read, or it is damaged or holds a part that
   *   is not supported
   */
  static async open(directory: string): Promise<ModelTokenizer> {
    const source = await readTokenizerSource(directory)
    return usable(source.path, async () => {
      const tokenizer = build(source)
      const encoder = source.splitsSpecialTokens ? splitting(source, tokenizer) : tokenizer
      return new ModelTokenizer(tokenizer, encoder, source, {
        ...(await tokenizerFacts(tokenizer, encoder, source)),
        rebuilt: await rebuiltFacts(tokenizer, source)
      })
    })
  }

  /** Where a text may be cut into pieces that give the tokens of the whole. */
  get cuts(): TextCuts | NoCuts {
    this.#cuts ??= textCuts(this.source.splitsSpecialTokens ? withoutSpecialTokens(this.source) : this.source)
    return this.#cuts
  }

  /** How much the tokenizer holds. */
  get tables(): TokenizerTables {
    return tablesOf(this.source.definition)
  }

  /** One more than the largest id. */
  get vocabularySize(): number {
    return this.facts.vocabularySize
  }

  /** Id of the padding token, where the checkpoint names one. */
  get padId(): number | undefined {
    return this.facts.pad?.id
  }

  /** The texts of the named special tokens, as chat templates get them. */
  get roles(): ReadonlyMap<string, string> {
    return this.source.roles
  }

  /** The ids of a text, tokenized in one piece; `specialTokens` adds what the post-processor says. */
  async encode(text: string, { specialTokens }: { readonly specialTokens: boolean }): Promise<Int32Array> {
    const encoding = await usable(this.source.path, () =>
      this.encoder.encode(text, null, { addSpecialTokens: specialTokens })
    )
    return Int32Array.from(encoding.getIds())
  }

  /** The text of the ids, special tokens included, for people to read. */
  async decode(ids: ArrayLike<number>): Promise<string> {
    return usable(this.source.path, () => this.tokenizer.decode(Array.from(ids), false))
  }

  /** The text of each id by itself. */
  async decodeEach(ids: ArrayLike<number>): Promise<string[]> {
    const single = Array.from(ids, (id) => [id])
    return usable(this.source.path, () => this.tokenizer.decodeBatch(single, false))
  }

  /** `BPE, 4096 tokens`. */
  describe(): string {
    return `${this.facts.kind}, ${this.vocabularySize} tokens`
  }
}

function build({ path, definition, additions, around }: TokenizerSource): Tokenizer {
  const tokenizer = parse(definition)
  assertFindable([...addedTokensOf(definition), ...additions], tokenizer.getNormalizer(), path)
  tokenizer.disableTruncation()
  tokenizer.disablePadding()
  tokenizer.addAddedTokens(additions.map(nativeToken))
  for (const addition of additions) assertGivenId(tokenizer, addition)
  const [before, after] = [around?.before ?? [], around?.after ?? []]
  if (before.length + after.length > 0) {
    const template = [...before.map((token) => `${token}:0`), '$A:0', ...after.map((token) => `${token}:0`)].join(' ')
    const ids = [...before, ...after].map((token): [string, number] => [token, tokenizer.tokenToId(token) ?? -1])
    tokenizer.setPostProcessor(templateProcessing(template, null, ids))
  }
  return tokenizer
}

/** The library ends the process over a token of which nothing is left in the normalized text: it would be everywhere. */
function assertFindable(tokens: readonly AddedTokenOfFile[], normalizer: Normalizer | null, path: string): void {
  const lost = tokens.find(({ content, normalized }) => normalized && normalizer?.normalizeString(content) === '')
  if (lost !== undefined)
    throw badInput(
      `${path}: the normalizer leaves nothing of the added token ${quoted(lost.content)}, which is looked for in the ` +
        'normalized text; with normalized set to false it can be found'
    )
}

/** The first of some texts of which AutoTokenizer of transformers 5 makes other tokens. */
async function rebuiltFacts(tokenizer: Tokenizer, source: TokenizerSource): Promise<RebuiltFacts | undefined> {
  if (source.rebuilt === undefined) return undefined
  const { className, definition } = source.rebuilt
  const other = build({ ...source, definition })
  const idsOf = async (one: Tokenizer, text: string) => (await one.encode(text)).getIds().join()
  for (const text of probes(source))
    if ((await idsOf(tokenizer, text)) !== (await idsOf(other, text))) return { className, text }
  return undefined
}

function parse(definition: TokenizerDefinition): Tokenizer {
  try {
    return Tokenizer.fromString(JSON.stringify(definition))
  } catch (cause) {
    throw new Error(faultyPart(definition, cause instanceof Error ? cause.message : String(cause)), { cause })
  }
}

function splitting(source: TokenizerSource, tokenizer: Tokenizer): Tokenizer {
  const { around, ...others } = withoutSpecialTokens(source)
  const encoder = build(others)
  const processor = tokenizer.getPostProcessor()
  if (around !== undefined && processor !== null) encoder.setPostProcessor(processor)
  for (const { content } of others.additions)
    if (tokenizer.tokenToId(content) !== null && tokenizer.tokenToId(content) !== encoder.tokenToId(content))
      throw badInput(`${source.path}: split_special_tokens is not supported where added tokens lie between the others`)
  return encoder
}

const nativeToken = ({ content, special, lstrip, rstrip, single_word, normalized }: AddedTokenOfFile): AddedToken =>
  new AddedToken(content, special, { leftStrip: lstrip, rightStrip: rstrip, singleWord: single_word, normalized })

function assertGivenId(tokenizer: Tokenizer, { content, given }: AddedTokenOfFile): void {
  const id = tokenizer.tokenToId(content)
  if (given !== undefined && given.id !== id)
    throw badInput(`${given.place} gives ${quoted(content)} the id ${given.id}, by the vocabulary it is ${id}`)
}

/** The library says what it does not know or like in its own words. */
async function usable<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('BAD_INPUT', `${path} cannot be used: ${reason}`, { cause })
  }
}
