import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { badInput } from '../../shared/errors'
import { quotedText, shellWord } from '../../shared/quoting'
import { CONFIG_FILE, isRecord } from '../formats/checkpointFiles'
import { readTextFileIfThere, sha256 } from '../formats/files'
import { MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES } from '../formats/limits'
import { parseWithWords } from '../formats/strictJson'
import { MERGES_FILE, readGpt2Model, VOCABULARY_FILE } from './gpt2Files'
import { type RebuiltTokenizer, rebuiltTokenizer, replacesMistralRegex, tokensOfClass } from './rebuiltTokenizer'
import { type AddedTokenOfFile, specialTokens, tokenRoles, tokenText } from './specialTokens'
import { addedTokensOf, assertDefinition, type TokenizerDefinition } from './tokenizerDefinition'

const TOKENIZER_FILE = 'tokenizer.json'
const GPT2_FILES = [VOCABULARY_FILE, MERGES_FILE]

type Settings = Readonly<Record<string, unknown>>

/** The special tokens that the checkpoint's configuration names, where it does. */
export interface NamedTokens {
  readonly bos?: string | undefined
  readonly eos?: string | undefined
  readonly pad?: string | undefined
  readonly unknown?: string | undefined
}

/** A checkpoint's tokenizer as its files describe it. */
export interface TokenizerSource {
  /** The file that messages name. */
  readonly path: string
  /** In the structure of tokenizer.json, checked. */
  readonly definition: TokenizerDefinition
  /** Tokens to be added to those of the definition, in this order. */
  readonly additions: readonly AddedTokenOfFile[]
  readonly named: NamedTokens
  /** What chat templates get, by name. */
  readonly roles: ReadonlyMap<string, string>
  /** What is put around a text instead of what the definition says. */
  readonly around?: { readonly before: readonly string[]; readonly after: readonly string[] } | undefined
  /** What AutoTokenizer of transformers 5 would build instead of executing tokenizer.json. */
  readonly rebuilt?: RebuiltTokenizer | undefined
  /** Special tokens that stand in a text are taken for text. */
  readonly splitsSpecialTokens: boolean
  /** Of everything that decides which ids a text gets. */
  readonly sha256: string
}

/**
 * Reads `tokenizer.json`, and where there is none `vocab.json` with `merges.txt` of GPT-2 and OPT; then the special
 * tokens that stand beside it.
 *
 * @throws {AppError} BAD_INPUT as `findTokenizer`, and BAD_INPUT or BAD_FORMAT when a file is damaged or too large, or
 *   holds a part that is not supported
 */
export async function readTokenizerSource(directory: string): Promise<TokenizerSource> {
  const read = async (name: string) => (await readJsonObject(join(directory, name))) ?? {}
  const [config, map, added] = [
    await read('tokenizer_config.json'),
    await read('special_tokens_map.json'),
    await read('added_tokens.json')
  ]
  const name = await findTokenizer(directory)
  const path = join(directory, name)
  const modelConfig = await modelConfigOf(directory)
  const definition = name === TOKENIZER_FILE ? await readDefinition(path) : await gpt2Definition(directory, config)
  const ofGpt2 = modelConfig.model_type === 'opt' ? OPT_TOKENS : GPT2_TOKENS
  const defaults = name === TOKENIZER_FILE ? tokensOfClass(definition, config, modelConfig) : ofGpt2
  const { additions, settings } = specialTokens({ directory, config, map, added, defaults }, addedTokensOf(definition))
  const rebuilt = name === TOKENIZER_FILE ? rebuiltBy(directory, definition, config, modelConfig) : undefined
  const around = name === TOKENIZER_FILE ? undefined : aroundTexts(settings)
  const splitsSpecialTokens = config.split_special_tokens === true
  const decisive = JSON.stringify([definition, additions, around, splitsSpecialTokens])
  return {
    path,
    definition,
    additions,
    named: namedTokens(settings),
    roles: tokenRoles(settings),
    rebuilt,
    around,
    splitsSpecialTokens,
    sha256: sha256(decisive)
  }
}

function rebuiltBy(directory: string, definition: TokenizerDefinition, config: Settings, modelConfig: Settings) {
  if (replacesMistralRegex(definition, config, modelConfig))
    throw badInput(
      `${directory}: fix_mistral_regex of tokenizer_config.json is not supported, with which transformers replaces a part of ` +
        'tokenizer.json; load the tokenizer with transformers 5 and save it (save_pretrained), with fix_mistral_regex removed'
    )
  return rebuiltTokenizer(definition, config, modelConfig)
}

const GPT2_TOKENS = { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' }
const OPT_TOKENS = { bos_token: '</s>', eos_token: '</s>', unk_token: '</s>', pad_token: '<pad>', add_bos_token: true }

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

const modelConfigOf = async (directory: string): Promise<Settings> =>
  (await readJsonObject(join(directory, CONFIG_FILE), MAX_CONFIG_BYTES)) ?? {}

async function modelTypeOf(directory: string): Promise<string | undefined> {
  const type = (await modelConfigOf(directory)).model_type
  return typeof type === 'string' ? type : undefined
}

async function gpt2Definition(directory: string, config: Settings): Promise<TokenizerDefinition> {
  const byteLevel = { type: 'ByteLevel', trim_offsets: true, use_regex: true }
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { ...byteLevel, add_prefix_space: config.add_prefix_space === true },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: await readGpt2Model(directory)
  }
}

/** The beginning and the end of every text; a tokenizer.json says that itself. */
function aroundTexts(settings: Settings): TokenizerSource['around'] {
  const tokens = (flag: string, key: string): string[] => {
    const text = tokenText(settings[key])
    return settings[flag] === true && text ? [text] : []
  }
  return { before: tokens('add_bos_token', 'bos_token'), after: tokens('add_eos_token', 'eos_token') }
}

async function readDefinition(path: string): Promise<TokenizerDefinition> {
  const definition = await readJsonObject(path)
  if (!isRecord(definition?.model) || !Array.isArray(definition.added_tokens))
    throw badInput(`${path} is not a tokenizer of the tokenizers library: "model" or "added_tokens" is missing`)
  const checked = definition as unknown as TokenizerDefinition
  assertDefinition(checked, path)
  return checked
}

/** The JSON object in a file, or undefined when there is no such file. */
async function readJsonObject(
  path: string,
  limitBytes = MAX_TOKENIZER_BYTES
): Promise<Record<string, unknown> | undefined> {
  const content = await readTextFileIfThere(path, limitBytes)
  if (content === undefined) return undefined
  try {
    const value = parseWithWords(content)
    if (isRecord(value)) return value
  } catch {}
  throw badInput(`${path} is not a JSON object`)
}

function namedTokens(settings: Settings): NamedTokens {
  const named = (key: string) => tokenText(settings[key])
  return { bos: named('bos_token'), eos: named('eos_token'), pad: named('pad_token'), unknown: named('unk_token') }
}

/** Files of tokenizers that transformers can turn into a tokenizer.json. */
const OTHER_FORMS = [...GPT2_FILES, 'tokenizer.model', 'spiece.model', 'vocab.txt', 'tekken.json']

/** Ranks of byte pairs, as Kimi, Moonlight and HunYuan have them: how a text is cut first is in the code beside them alone. */
const TIKTOKEN = /^tiktoken\.model$|\.tiktoken$/

function whatIsThereInstead(directory: string, names: readonly string[]): string {
  const found = OTHER_FORMS.filter((name) => names.includes(name))
  const ranks = names.find((name) => TIKTOKEN.test(name))
  if (found.length === 0 && ranks !== undefined) {
    const reader = 'which only code of its own repository reads (trust_remote_code)'
    return `${directory} has no tokenizer.json, but ${ranks}, ${reader}; a tokenizer.json that gives the same tokens is needed`
  }
  if (found.length === 0)
    return (
      `${directory} has no tokenizer.json, and no file of any tokenizer; make one with transformers: ` +
      `AutoTokenizer.from_pretrained("the model it comes from").save_pretrained(${quotedText(directory)})`
    )
  return `${directory} has no tokenizer.json, but ${found.join(' and ')}; ${conversion(directory)}`
}

/** The command that writes tokenizer.json: a form for shells of Unix and of Windows, where the path allows for it. */
function conversion(directory: string): string {
  const path = directory.split(sep).join('/')
  const isTame = /^[\w@%+=:,./ ()-]+$/.test(path)
  const place = isTame ? `'${path}'` : quotedText(path)
  const script = `AutoTokenizer.from_pretrained(${place}, use_fast=True).save_pretrained(${place})`
  const code = `from transformers import AutoTokenizer; ${script}`
  return (
    `make one with transformers: python -c ${isTame ? `"${code}"` : shellWord(code)} ` +
    '(a SentencePiece model needs the packages sentencepiece and protobuf too)'
  )
}
