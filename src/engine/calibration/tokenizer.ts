import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Tokenizer } from '@huggingface/tokenizers'
import { badInput } from '../../shared/errors'
import type { TokenizerFacts } from '../../shared/inspection'
import { isMissing, readTextFile } from '../formats/files'
import { MAX_TOKENIZER_BYTES } from '../formats/limits'
import { completePreTokenizer, preTokenizersOf, type TokenizerDefinition } from './preTokens'
import { type NamedTokens, tokenizerFacts } from './tokenizerFacts'

/**
 * The tokenizer of a checkpoint: `tokenizer.json`, executed as it is written.
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

  private constructor(
    private readonly tokenizer: Tokenizer,
    definition: TokenizerDefinition,
    private readonly path: string,
    named: NamedTokens
  ) {
    this.vocabularySize = largestId(tokenizer) + 1
    this.padId = named.pad === undefined ? undefined : tokenizer.token_to_id(named.pad)
    this.facts = tokenizerFacts(tokenizer, definition, named, this.vocabularySize)
  }

  /**
   * Opens the tokenizer of a checkpoint's directory.
   *
   * @throws {AppError} BAD_INPUT if there is no tokenizer.json, or it is damaged or holds a part that is not supported
   */
  static async open(directory: string): Promise<ModelTokenizer> {
    const path = join(directory, 'tokenizer.json')
    const definition = await readDefinition(path, directory)
    const config = (await readJson(join(directory, 'tokenizer_config.json'))) ?? {}
    checkSupported(definition, path)
    const tokenizer = build(definition, config, path)
    completePreTokenizer(tokenizer, definition)
    return new ModelTokenizer(tokenizer, definition, path, await namedTokensOf(directory, config))
  }

  /** The ids of a text, tokenized in one piece; `specialTokens` adds what the post-processor says. */
  encode(text: string, { specialTokens }: { readonly specialTokens: boolean }): Int32Array {
    const { ids } = this.tokenizer.encode(text, { add_special_tokens: specialTokens })
    if (ids.some((id) => id === undefined))
      throw badInput(
        `${this.path}: a text has a character for which the vocabulary has neither token nor unknown token`
      )
    return Int32Array.from(ids)
  }

  /** The text of the ids, special tokens included, for people to read. */
  decode(ids: ArrayLike<number>): string {
    if (ids.length === 0) return ''
    return this.tokenizer.decode(Array.from(ids), { skip_special_tokens: false, clean_up_tokenization_spaces: false })
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

async function readDefinition(path: string, directory: string): Promise<TokenizerDefinition> {
  const definition = await readJson(path)
  if (definition === undefined) throw badInput(await whatIsThereInstead(directory))
  if (typeof definition.model !== 'object' || definition.model === null || !Array.isArray(definition.added_tokens))
    throw badInput(`${path} is not a tokenizer of the tokenizers library: "model" or "added_tokens" is missing`)
  return definition as unknown as TokenizerDefinition
}

/** The JSON object in a file, or undefined when there is no such file. */
async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  const found = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (found === undefined) return undefined
  const content = await readTextFile(path, MAX_TOKENIZER_BYTES)
  try {
    const value: unknown = JSON.parse(content)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {}
  throw badInput(`${path} is not a JSON object`)
}

/** Files of tokenizers that transformers can turn into a tokenizer.json. */
const OTHER_FORMS = ['vocab.json', 'merges.txt', 'tokenizer.model', 'spiece.model', 'vocab.txt', 'tekken.json']

async function whatIsThereInstead(directory: string): Promise<string> {
  const names = await readdir(directory).catch((): string[] => [])
  const found = OTHER_FORMS.filter((name) => names.includes(name))
  const there = found.length === 0 ? 'and no file of any tokenizer' : `but ${found.join(' and ')}`
  const source = found.length === 0 ? 'the model it comes from' : directory
  const recipe = `AutoTokenizer.from_pretrained("${source}").save_pretrained("${directory}")`
  return `${directory} has no tokenizer.json, ${there}; make one with transformers: ${recipe}`
}

/** Refuses what the library would silently do otherwise than the original. */
function checkSupported(definition: TokenizerDefinition, path: string): void {
  if (definition.model.type === 'Unigram' && definition.model.byte_fallback === true)
    throw badInput(`${path}: a Unigram model with byte_fallback is not supported; BPE models are`)
  const split = preTokenizersOf(definition).find(
    ({ type, behavior, invert, pattern }) =>
      type === 'Split' &&
      invert !== true &&
      !['isolated', 'removed'].includes(String(behavior).toLowerCase()) &&
      !(isObject(pattern) && pattern.String === ' ' && replacesSpaces(definition.normalizer))
  )
  if (split !== undefined)
    throw badInput(`${path}: the pre-tokenizer Split with behavior ${String(split.behavior)} is not supported`)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** True when no space is left after normalization, as in Gemma: a Split at spaces then never splits. */
const replacesSpaces = (normalizer: unknown): boolean => {
  if (!isObject(normalizer)) return false
  if (Array.isArray(normalizer.normalizers)) return normalizer.normalizers.some(replacesSpaces)
  return normalizer.type === 'Replace' && isObject(normalizer.pattern) && normalizer.pattern.String === ' '
}

function build(definition: TokenizerDefinition, config: Record<string, unknown>, path: string): Tokenizer {
  try {
    return new Tokenizer(definition, config)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const unknown = /^Unknown (\w+) type: (.*)$/.exec(reason)
    throw badInput(
      unknown === null
        ? `${path} cannot be used: ${reason}`
        : `${path}: the ${unknown[1]} ${unknown[2]} is not supported`
    )
  }
}

/** Those of tokenizer_config.json, and of special_tokens_map.json where it names none. */
async function namedTokensOf(directory: string, config: Record<string, unknown>): Promise<NamedTokens> {
  const map = (await readJson(join(directory, 'special_tokens_map.json'))) ?? {}
  const named = (key: string) => tokenText(config[key]) ?? tokenText(map[key])
  return { bos: named('bos_token'), eos: named('eos_token'), pad: named('pad_token'), unknown: named('unk_token') }
}

/** A special token is a string, or an object with its `content`. */
const tokenText = (token: unknown): string | undefined => {
  if (typeof token === 'string') return token
  return isObject(token) && typeof token.content === 'string' ? token.content : undefined
}
