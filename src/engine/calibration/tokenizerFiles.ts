import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { badInput } from '../../shared/errors'
import { CONFIG_FILE, isRecord } from '../formats/checkpointFiles'
import { readTextFileIfThere, sha256, sha256File } from '../formats/files'
import { MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES } from '../formats/limits'
import { MERGES_FILE, readGpt2Model, VOCABULARY_FILE } from './gpt2Files'
import { gpt2Tokens, tokenText } from './gpt2Tokens'
import type { TokenizerDefinition } from './preTokens'
import type { NamedTokens } from './tokenizerFacts'

const TOKENIZER_FILE = 'tokenizer.json'
const GPT2_FILES = [VOCABULARY_FILE, MERGES_FILE]

/** A checkpoint's tokenizer as its files describe it, in the structure of tokenizer.json. */
export interface TokenizerSource {
  /** The file that messages name. */
  readonly path: string
  readonly definition: TokenizerDefinition
  /** tokenizer_config.json; empty where there is none. */
  readonly config: Readonly<Record<string, unknown>>
  readonly named: NamedTokens
  /** Of tokenizer.json as it is, or as it comes out of vocab.json, merges.txt and the files of special tokens. */
  readonly sha256: string
}

/**
 * Reads `tokenizer.json`, and where there is none `vocab.json` with `merges.txt` of GPT-2 and OPT.
 *
 * @throws {AppError} BAD_INPUT as `findTokenizer`, and BAD_INPUT or BAD_FORMAT when a file is damaged or too large
 */
export async function readTokenizerSource(directory: string): Promise<TokenizerSource> {
  const config = (await readJsonObject(join(directory, 'tokenizer_config.json'))) ?? {}
  const map = (await readJsonObject(join(directory, 'special_tokens_map.json'))) ?? {}
  if ((await findTokenizer(directory)) === VOCABULARY_FILE) return readGpt2(directory, config, map)
  const path = join(directory, TOKENIZER_FILE)
  const definition = await readDefinition(path)
  return { path, definition, config, named: namedTokens(config, map), sha256: await sha256File(path) }
}

/**
 * Looks which form of tokenizer a directory holds, without reading it.
 *
 * @returns name of the file that holds the vocabulary
 * @throws {AppError} BAD_INPUT when there is none, or one that has to be converted first; the message has the command
 */
export async function findTokenizer(directory: string): Promise<typeof TOKENIZER_FILE | typeof VOCABULARY_FILE> {
  const names = await readdir(directory).catch((): string[] => [])
  if (names.includes(TOKENIZER_FILE)) return TOKENIZER_FILE
  if (!GPT2_FILES.every((name) => names.includes(name))) throw badInput(whatIsThereInstead(directory, names))
  const owner = await tokenizerOwner(directory)
  if (GPT2_CLASSES.has(owner.name)) return VOCABULARY_FILE
  throw badInput(
    `${directory} has no tokenizer.json, and its vocab.json and merges.txt belong to ${owner.said}, where GPT-2's or ` +
      `OPT's were expected; ${conversion(directory)}`
  )
}

/** Tokenizer classes, and model types of which it is the class when tokenizer_config.json does not name one. */
const GPT2_CLASSES = new Set(['GPT2Tokenizer', 'GPT2TokenizerFast', 'gpt2', 'opt'])

async function tokenizerOwner(directory: string): Promise<{ name: string; said: string }> {
  const config = await readJsonObject(join(directory, 'tokenizer_config.json'))
  const name = config?.tokenizer_class
  if (typeof name === 'string') return { name, said: `the tokenizer_class ${name}` }
  const type = await modelTypeOf(directory)
  return { name: type ?? '', said: type === undefined ? 'an unknown model' : `the model_type ${type}` }
}

async function modelTypeOf(directory: string): Promise<string | undefined> {
  const type = (await readJsonObject(join(directory, CONFIG_FILE), MAX_CONFIG_BYTES))?.model_type
  return typeof type === 'string' ? type : undefined
}

async function readGpt2(
  directory: string,
  config: Record<string, unknown>,
  map: Record<string, unknown>
): Promise<TokenizerSource> {
  const model = await readGpt2Model(directory)
  const added = (await readJsonObject(join(directory, 'added_tokens.json'))) ?? {}
  const isOpt = (await modelTypeOf(directory)) === 'opt'
  const { settings, ...tokens } = gpt2Tokens(model.vocab, { directory, config, map, added, isOpt })
  const byteLevel = { type: 'ByteLevel', trim_offsets: true, use_regex: true }
  const definition = {
    version: '1.0',
    added_tokens: tokens.addedTokens,
    normalizer: null,
    pre_tokenizer: { ...byteLevel, add_prefix_space: config.add_prefix_space === true },
    post_processor: tokens.postProcessor,
    decoder: { ...byteLevel, add_prefix_space: true },
    model
  }
  const path = join(directory, VOCABULARY_FILE)
  return { path, definition, config, named: namedTokens(settings), sha256: sha256(JSON.stringify(definition)) }
}

async function readDefinition(path: string): Promise<TokenizerDefinition> {
  const definition = await readJsonObject(path)
  if (!isRecord(definition?.model) || !Array.isArray(definition.added_tokens))
    throw badInput(`${path} is not a tokenizer of the tokenizers library: "model" or "added_tokens" is missing`)
  return definition as unknown as TokenizerDefinition
}

/** The JSON object in a file, or undefined when there is no such file. */
async function readJsonObject(
  path: string,
  limitBytes = MAX_TOKENIZER_BYTES
): Promise<Record<string, unknown> | undefined> {
  const content = await readTextFileIfThere(path, limitBytes)
  if (content === undefined) return undefined
  try {
    const value: unknown = JSON.parse(content)
    if (isRecord(value)) return value
  } catch {}
  throw badInput(`${path} is not a JSON object`)
}

/** Those of the first file, and of the second where the first names none. */
function namedTokens(first: Record<string, unknown>, second: Record<string, unknown> = {}): NamedTokens {
  const named = (key: string) => tokenText(first[key]) ?? tokenText(second[key])
  return { bos: named('bos_token'), eos: named('eos_token'), pad: named('pad_token'), unknown: named('unk_token') }
}

/** Files of tokenizers that transformers can turn into a tokenizer.json. */
const OTHER_FORMS = [...GPT2_FILES, 'tokenizer.model', 'spiece.model', 'vocab.txt', 'tekken.json']

function whatIsThereInstead(directory: string, names: readonly string[]): string {
  const found = OTHER_FORMS.filter((name) => names.includes(name))
  if (found.length === 0)
    return (
      `${directory} has no tokenizer.json, and no file of any tokenizer; make one with transformers: ` +
      `AutoTokenizer.from_pretrained("the model it comes from").save_pretrained("${directory}")`
    )
  return `${directory} has no tokenizer.json, but ${found.join(' and ')}; ${conversion(directory)}`
}

/** The command that writes tokenizer.json. Quoted so that it works in shells of Unix and of Windows. */
function conversion(directory: string): string {
  const place = `'${directory.split(sep).join('/').replaceAll("'", "\\'")}'`
  const script = `AutoTokenizer.from_pretrained(${place}, use_fast=True).save_pretrained(${place})`
  return (
    `make one with transformers: python -c "from transformers import AutoTokenizer; ${script}" ` +
    '(a SentencePiece model needs the packages sentencepiece and protobuf too)'
  )
}
