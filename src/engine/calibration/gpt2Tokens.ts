import { join } from 'node:path'
import { badFormat, badInput } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import { isTokenId, quoted } from './gpt2Files'

type Settings = Readonly<Record<string, unknown>>

/** The files that lie beside vocab.json and merges.txt; empty objects stand for missing ones. */
export interface Gpt2TokenFiles {
  readonly directory: string
  /** tokenizer_config.json */
  readonly config: Settings
  /** special_tokens_map.json */
  readonly map: Settings
  /** added_tokens.json */
  readonly added: Settings
  /** Whether the model is an OPT, which has other defaults. */
  readonly isOpt: boolean
}

/** A token that is looked for in a text before the text is cut into words, as in `added_tokens` of tokenizer.json. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly single_word: boolean
}
type UnnumberedToken = Omit<AddedToken, 'id'>

/** What the files say of special tokens. */
export interface Gpt2Tokens {
  /** By id. */
  readonly addedTokens: readonly AddedToken[]
  /** What is put around a text, as `post_processor` of tokenizer.json. */
  readonly postProcessor: unknown
  /** tokenizer_config.json as it counts: with special_tokens_map.json and the defaults of the family. */
  readonly settings: Record<string, unknown>
}

/**
 * The special tokens of a tokenizer without tokenizer.json, as GPT2Tokenizer of transformers understands them.
 *
 * With `added_tokens_decoder` in tokenizer_config.json that file decides alone; without, special_tokens_map.json comes
 * before it and added_tokens.json adds to it. Tokens that the vocabulary does not have get the ids after its last.
 *
 * @throws {AppError} BAD_FORMAT for an entry of another form; BAD_INPUT when a file gives a token another id than it has
 *
 * Source: transformers 5.24 (PreTrainedTokenizerBase._from_pretrained, TokenizersBackend). Known difference: OPT's
 * `</s>` and `<pad>`, and its `</s>` before every text, hold as well when no file names them.
 */
export function gpt2Tokens(vocab: Readonly<Record<string, number>>, files: Gpt2TokenFiles): Gpt2Tokens {
  const listed = isRecord(files.config.added_tokens_decoder)
  const settings = { ...defaults(files.isOpt), ...files.config, ...(listed ? {} : files.map) }
  const special = specialTokens(settings)
  const numbered = listed ? decoderTokens(files) : addedTokens(files)
  const place = `${files.directory}: ${listed ? 'added_tokens_decoder' : 'added_tokens.json'}`
  const tokens = withIds(vocab, numbered, special, place)
  const sorted = [...tokens.values()].sort((a, b) => a.id - b.id)
  return { addedTokens: sorted, postProcessor: postProcessor(settings, tokens), settings }
}

/** Every token with its id: those to which a file gives one, which must be the right one, before the others. */
function withIds(
  vocab: Readonly<Record<string, number>>,
  numbered: readonly [number, UnnumberedToken][],
  special: readonly UnnumberedToken[],
  place: string
): Map<string, AddedToken> {
  const roles = new Set(special.map(({ content }) => content))
  const tokens = new Map<string, AddedToken>()
  let next = Object.keys(vocab).length // as the original counts: the number of tokens, not the largest id
  const add = (token: UnnumberedToken) => {
    const id = Object.hasOwn(vocab, token.content) ? (vocab[token.content] as number) : next
    next = Math.max(next, id + 1)
    tokens.set(token.content, { ...token, id, special: token.special || roles.has(token.content) })
    return id
  }
  for (const [given, token] of numbered) {
    const id = tokens.get(token.content)?.id ?? add(token)
    if (id !== given)
      throw badInput(`${place} gives ${quoted(token.content)} the id ${given}, by the vocabulary it is ${id}`)
  }
  for (const token of special) if (!tokens.has(token.content)) add(token)
  return tokens
}

const defaults = (isOpt: boolean): Settings =>
  isOpt
    ? { bos_token: '</s>', eos_token: '</s>', unk_token: '</s>', pad_token: '<pad>', add_bos_token: true }
    : { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' }

/** In the order in which new ones get their ids. */
const NAMED = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']

/** Named tokens, and those without a role. */
function specialTokens(settings: Settings): UnnumberedToken[] {
  const named = NAMED.map((key) => settings[key])
  const own = Object.keys(settings).filter((key) => key.endsWith('_token') && !NAMED.includes(key))
  const extra = listOf(settings.extra_special_tokens)
  const unnamed = extra.length > 0 ? extra : listOf(settings.additional_special_tokens)
  return [...named, ...own.map((key) => settings[key]), ...unnamed]
    .filter(tokenText) // neither null nor the empty text, which would be found everywhere
    .map((token) => ({ ...tokenFrom(token), special: true }))
}

/** A list of tokens, or an object from roles to tokens. */
const listOf = (tokens: unknown): unknown[] => (typeof tokens === 'object' ? Object.values(tokens ?? {}) : [])

/** A special token is a string, or an object with its `content`. */
export const tokenText = (token: unknown): string | undefined => {
  if (typeof token === 'string') return token
  return isRecord(token) && typeof token.content === 'string' ? token.content : undefined
}

/** `normalized` is left out: there is no normalizer. */
function tokenFrom(token: unknown): UnnumberedToken {
  const options = isRecord(token) ? token : {}
  return {
    content: tokenText(token) ?? '',
    special: options.special === true,
    lstrip: options.lstrip === true,
    rstrip: options.rstrip === true,
    single_word: options.single_word === true
  }
}

/** `added_tokens_decoder` of tokenizer_config.json: from id to token. */
function decoderTokens({ directory, config }: Gpt2TokenFiles): [number, UnnumberedToken][] {
  return Object.entries(config.added_tokens_decoder as Settings)
    .map(([key, token]): [number, UnnumberedToken] => {
      if (!isTokenId(Number(key)) || !tokenText(token))
        throw badFormat(
          `${join(directory, 'tokenizer_config.json')}: added_tokens_decoder has ${quoted({ [key]: token })}, ` +
            'an id and a token with its content were expected'
        )
      return [Number(key), tokenFrom(token)]
    })
    .sort(([a], [b]) => a - b)
}

/** added_tokens.json: from token to id. */
function addedTokens({ directory, added }: Gpt2TokenFiles): [number, UnnumberedToken][] {
  return Object.entries(added)
    .map(([content, id]): [number, UnnumberedToken] => {
      if (!isTokenId(id) || content === '')
        throw badFormat(
          `${join(directory, 'added_tokens.json')}: the token ${quoted(content)} has the id ${quoted(id)}, ` +
            'a whole number from 0 was expected'
        )
      return [id, tokenFrom(content)]
    })
    .sort(([a], [b]) => a - b)
}

/** The beginning and end of every text, as TemplateProcessing. */
function postProcessor(settings: Settings, tokens: ReadonlyMap<string, AddedToken>): unknown {
  const around = (flag: string, key: string): AddedToken[] => {
    const token = tokens.get(tokenText(settings[key]) ?? '')
    return settings[flag] === true && token !== undefined ? [token] : []
  }
  const before = around('add_bos_token', 'bos_token')
  const after = around('add_eos_token', 'eos_token')
  const part = ({ content }: AddedToken) => ({ SpecialToken: { id: content, type_id: 0 } })
  const entry = ({ content, id }: AddedToken) => [content, { id: content, ids: [id], tokens: [content] }]
  return {
    type: 'TemplateProcessing',
    single: [...before.map(part), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(part)],
    pair: [],
    special_tokens: Object.fromEntries([...before, ...after].map(entry))
  }
}
