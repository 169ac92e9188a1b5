import { join } from 'node:path'
import { badFormat } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import { isTokenId, quoted } from './gpt2Files'

type Settings = Readonly<Record<string, unknown>>

/** The files in which special tokens may stand beside tokenizer.json or vocab.json; empty objects for missing ones. */
export interface TokenFiles {
  readonly directory: string
  /** tokenizer_config.json */
  readonly config: Settings
  /** special_tokens_map.json */
  readonly map: Settings
  /** added_tokens.json */
  readonly added: Settings
  /** Named tokens of the family, where no file names others. */
  readonly defaults: Settings
}

/** A token that is looked for in a text before the text is cut into words. */
export interface AddedToken {
  readonly content: string
  readonly special: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly single_word: boolean
  /** Looked for in the normalized text, and normalized itself. */
  readonly normalized: boolean
}

/** An added token of tokenizer.json. */
export type NumberedToken = AddedToken & { readonly id: number }

/** A token to be added, and the id that a file gives it, if one does. */
export interface AddedTokenOfFile extends AddedToken {
  readonly given?: { readonly id: number; readonly place: string }
}

/** What the files say of special tokens. */
export interface SpecialTokens {
  /** Those that the tokenizer does not have in this form yet, in the order in which new ones get their ids. */
  readonly additions: readonly AddedTokenOfFile[]
  /** tokenizer_config.json as it counts: with special_tokens_map.json and the defaults of the family. */
  readonly settings: Settings
}

/**
 * The special tokens that stand outside the tokenizer itself, as transformers adds them.
 *
 * With `added_tokens_decoder` in tokenizer_config.json that file decides alone; without, special_tokens_map.json comes
 * before it and added_tokens.json adds to it. First come the tokens with an id, as far as the tokenizer does not have
 * them with the same options, then named ones (bos, eos, …), then those without a role.
 *
 * @param present - the added tokens of tokenizer.json
 * @throws {AppError} BAD_FORMAT for an entry of another form
 *
 * Source: transformers 5.23 (PreTrainedTokenizerBase._from_pretrained, TokenizersBackend). Known difference: OPT's
 * `</s>` and `<pad>`, and its `</s>` before every text, hold as well when no file names them.
 */
export function specialTokens(files: TokenFiles, present: readonly NumberedToken[]): SpecialTokens {
  const listed = isRecord(files.config.added_tokens_decoder)
  const settings = { ...files.defaults, ...files.config, ...(listed ? {} : files.map) }
  const strange = NAMED.find((name) => Array.isArray(settings[name]))
  if (strange !== undefined)
    throw badFormat(`${files.directory}: ${strange} is a list; a text or an object with its content was expected`)
  const roles = namedTokens(settings)
  const others = unnamedTokens(files, listed)
  const numbered = listed ? decoderTokens(files) : addedTokens(files, [...roles, ...others])
  const has = new Map(present.map((token) => [token.content, token]))
  const roleTexts = new Set(roles.map(({ content }) => content))
  const ids = new Set(present.map(({ id }) => id))
  const isThere = ({ content, given }: AddedTokenOfFile) =>
    has.has(content) || (given !== undefined && ids.has(given.id))
  const additions = numbered
    .filter((token) => (listed ? !isSame(has.get(token.content), token) : !isThere(token)))
    .map((token) => (roleTexts.has(token.content) ? { ...token, special: true } : token))
  const known = new Set([...has.keys(), ...additions.map(({ content }) => content)])
  for (const token of [...roles, ...others]) {
    if (known.has(token.content)) continue
    known.add(token.content)
    additions.push(token)
  }
  return { additions, settings }
}

const isSame = (a: AddedToken | undefined, b: AddedToken): boolean =>
  a !== undefined && OPTIONS.every((option) => a[option] === b[option])

const OPTIONS = ['special', 'lstrip', 'rstrip', 'single_word', 'normalized'] as const

/** In the order in which new ones get their ids. */
const NAMED = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']

/** Named tokens, those that only this model has too. */
const namedTokens = (settings: Settings): AddedToken[] => specialOnes(Object.values(rolesIn(settings)))

function rolesIn(settings: Settings): Settings {
  const own = Object.keys(settings).filter((key) => key.endsWith('_token') && !NAMED.includes(key))
  const extra = settings.extra_special_tokens
  const roles = [...NAMED, ...own].map((key): [string, unknown] => [key, settings[key]])
  return Object.fromEntries([...roles, ...(isRecord(extra) ? Object.entries(extra) : [])])
}

/**
 * The texts of the named tokens, as chat templates get them: `bos_token`, `eos_token`, …, `image_token`; of a name with
 * null there is none.
 */
export const tokenRoles = (settings: Settings): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(rolesIn(settings)).flatMap(([name, token]): [string, string][] => {
      const text = tokenText(token)
      return text === undefined ? [] : [[name, text]]
    })
  )

/** Special tokens without a role. */
function unnamedTokens({ config, map }: TokenFiles, listed: boolean): AddedToken[] {
  const lists = [config.extra_special_tokens, config.additional_special_tokens]
  const own = lists.find(
    (list) => (Array.isArray(list) && list.length > 0) || (isRecord(list) && Object.keys(list).length > 0)
  )
  const listOf = (list: unknown): unknown[] => (Array.isArray(list) ? list : [])
  if (listed) return specialOnes(listOf(own))
  const mapped = own === undefined ? listOf(map.additional_special_tokens) : []
  return specialOnes([...listOf(own), ...listOf(map.extra_special_tokens), ...mapped])
}

/** Neither null nor the empty text, which would be found everywhere. */
const specialOnes = (tokens: readonly unknown[]): AddedToken[] =>
  tokens.filter(tokenText).map((token) => ({ ...tokenFrom(token, true), special: true }))

/** A special token is a string, or an object with its `content`. */
export const tokenText = (token: unknown): string | undefined => {
  if (typeof token === 'string') return token
  return isRecord(token) && typeof token.content === 'string' ? token.content : undefined
}

/** A token is matched as it stands where it is special, else in the normalized text, if nothing else is said. */
function tokenFrom(token: unknown, special: boolean): AddedToken {
  const options = isRecord(token) ? token : {}
  return {
    content: tokenText(token) ?? '',
    special,
    lstrip: options.lstrip === true,
    rstrip: options.rstrip === true,
    single_word: options.single_word === true,
    normalized: typeof options.normalized === 'boolean' ? options.normalized : !special
  }
}

const byId = (a: AddedTokenOfFile, b: AddedTokenOfFile): number => (a.given?.id ?? 0) - (b.given?.id ?? 0)

/** `added_tokens_decoder` of tokenizer_config.json: from id to token. */
function decoderTokens({ directory, config }: TokenFiles): AddedTokenOfFile[] {
  return Object.entries(config.added_tokens_decoder as Settings)
    .map(([key, token]): AddedTokenOfFile => {
      if (!isTokenId(Number(key)) || !tokenText(token))
        throw badFormat(
          `${join(directory, 'tokenizer_config.json')}: added_tokens_decoder has ${quoted({ [key]: token })}, ` +
            'an id and a token with its content were expected'
        )
      const given = { id: Number(key), place: `${directory}: added_tokens_decoder` }
      return { ...tokenFrom(token, isRecord(token) && token.special === true), given }
    })
    .sort(byId)
}

/** added_tokens.json: from token to id. */
function addedTokens({ directory, added }: TokenFiles, special: readonly AddedToken[]): AddedTokenOfFile[] {
  const texts = new Set(special.map(({ content }) => content))
  return Object.entries(added)
    .map(([content, id]): AddedTokenOfFile => {
      if (!isTokenId(id) || content === '')
        throw badFormat(
          `${join(directory, 'added_tokens.json')}: the token ${quoted(content)} has the id ${quoted(id)}, ` +
            'a whole number from 0 was expected'
        )
      return { ...tokenFrom(content, texts.has(content)), given: { id, place: `${directory}: added_tokens.json` } }
    })
    .sort(byId)
}
