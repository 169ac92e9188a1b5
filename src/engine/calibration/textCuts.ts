import { isRecord } from '../formats/checkpointFiles'
import { regexAtCuts } from './regexCuts'
import type { AddedToken } from './specialTokens'
import { addedTokensOf, type TokenizerDefinition } from './tokenizerDefinition'
import type { TokenizerSource } from './tokenizerFiles'

/*
 * Where a text may be cut so that the tokens of its parts, one behind the other, are those of the whole: between a letter and one
 * blank or line end that has a letter behind it, where nothing that the tokenizer does reaches over that place. What is not known
 * to be so is refused, with the reason.
 */

/** Where a text may be cut. */
export interface TextCuts {
  /** Letters, as the inside of a class of a regular expression. */
  readonly letters: string
  /** Characters of which one stands behind the cut. */
  readonly separators: readonly string[]
  /** The separator is left out of the part behind the cut: the normalizer puts it there, as it does before every text. */
  readonly dropped: boolean
}

/** Why it may not be cut, in a few words. */
export interface NoCuts {
  readonly reason: string
}

/** In every version of Unicode: letters that stay what they are when they are normalized. */
const ASCII = 'A-Za-z'
const LETTERS = `${ASCII}\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u0410-\u044f\u05d0-\u05ea\u3042-\u3093\u30a2-\u30f3\u4e00-\u9fa5\uac00-\ud7a3`

const MARK = '\u2581'

/** The regular expression of ByteLevel. */
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

class Refused extends Error {}

const refuse = (reason: string): never => {
  throw new Refused(reason)
}

/** How a separator looks at some stage, and whether the text is known to be in two behind it. */
interface Stage {
  /** By the separator of the text, as it is now. */
  readonly forms: ReadonlyMap<string, string>
  readonly letters: string
  readonly dropped: boolean
  readonly parted: boolean
}

/** Where texts may be cut for a tokenizer. */
export function textCuts(source: Pick<TokenizerSource, 'definition' | 'additions'>): TextCuts | NoCuts {
  const { definition, additions } = source
  try {
    const begun: Stage = {
      forms: new Map([' ', '\n'].map((one) => [one, one])),
      letters: LETTERS,
      dropped: false,
      parted: false
    }
    const normalized = partsOf(definition.normalizer, 'normalizers').reduce(behindNormalizer, begun)
    if (normalized.dropped && normalized.forms.get(' ') !== MARK) refuse('its normalizer puts something before a text')
    const tokens: readonly AddedToken[] = [...addedTokensOf(definition), ...additions]
    const free = tokens.reduce(besideToken, normalized)
    if (free.forms.size === 0 && normalized.forms.size > 0) refuse('its added tokens reach over blanks')
    const split = partsOf(definition.pre_tokenizer, 'pretokenizers').reduce(behindPreTokenizer, free)
    const { forms, letters, dropped } = split.parted ? split : behindModel(split, definition)
    if (forms.size === 0) return { reason: 'its parts reach over blanks and line ends' }
    return { letters, separators: [...forms.keys()], dropped }
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message }
    throw error
  }
}

/** A component, or those of a sequence. */
function partsOf(component: unknown, key: string): Record<string, unknown>[] {
  if (component === null || component === undefined) return []
  if (!isRecord(component)) return refuse('a part of it is not known')
  const { type, [key]: parts } = component
  return type === 'Sequence' && Array.isArray(parts) ? parts.flatMap((part) => partsOf(part, key)) : [component]
}

const keeping = (stage: Stage, keep: (form: string) => boolean): Stage => ({
  ...stage,
  forms: new Map([...stage.forms].filter(([, form]) => keep(form)))
})

function behindNormalizer(stage: Stage, part: Record<string, unknown>): Stage {
  const { type, pattern, content, prepend } = part
  switch (type) {
    case 'NFC':
      return stage
    // These change letters, to other letters of ASCII where they are of it.
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
    case 'StripAccents':
    case 'BertNormalizer':
      return { ...keeping(stage, (form) => form === ' ' || form === MARK), letters: ASCII }
    case 'Prepend':
      // Put before each part too: where it is what a blank becomes, the blank itself is left out.
      if (prepend !== MARK || stage.forms.get(' ') !== ' ' || stage.dropped)
        return refuse(`its normalizer puts ${JSON.stringify(prepend)} first`)
      return { ...keeping(stage, (form) => form === ' '), dropped: true }
    case 'Replace': {
      const text = isRecord(pattern) ? pattern.String : undefined
      if (typeof text !== 'string' || typeof content !== 'string')
        return refuse('its normalizer replaces by a regular expression')
      return behindReplace(stage, text, content)
    }
    default:
      return refuse(`its normalizer ${String(type)} may reach over any place`)
  }
}

function behindReplace(stage: Stage, text: string, content: string): Stage {
  if (new RegExp(`[${LETTERS}]`, 'u').test(text)) return refuse('its normalizer replaces letters')
  const isBlankToMark = text === ' ' && content === MARK
  const forms = new Map<string, string>()
  for (const [separator, form] of stage.forms)
    if (!text.includes(form)) forms.set(separator, form)
    else if (isBlankToMark) forms.set(separator, MARK)
  return { ...stage, forms }
}

/** Added tokens are found before everything else: none may reach over a cut, nor take the blanks around it. */
function besideToken(stage: Stage, { content, rstrip, single_word }: AddedToken): Stage {
  const letter = `[${LETTERS}]`
  if (rstrip && new RegExp(`${letter}$`, 'u').test(content))
    return refuse(`the added token ${content} takes what is behind it`)
  if (stage.dropped && new RegExp(`^ ?(?:${letter}|$)`, 'u').test(content))
    return refuse(`the added token ${content} begins as a word does`)
  const forms = [...stage.forms].filter(([separator, form]) =>
    [separator, form].every((one) => {
      const reaches = new RegExp(`${letter}${one}`, 'iu').test(content)
      return !reaches && !(single_word && content.startsWith(one))
    })
  )
  return { ...stage, forms: new Map(forms) }
}

function behindPreTokenizer(stage: Stage, part: Record<string, unknown>): Stage {
  const { type } = part
  switch (type) {
    case 'ByteLevel': {
      const apart = part.add_prefix_space === true ? keeping(stage, (form) => form === ' ') : stage
      return part.use_regex === false ? apart : behindRegex(apart, GPT2)
    }
    case 'Split':
      return behindSplit(stage, part)
    case 'Digits':
    case 'Punctuation':
      return stage
    case 'Whitespace':
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return { ...keeping(stage, (form) => form === ' ' || form === '\n'), parted: true }
    case 'Metaspace':
      return behindMetaspace(stage, part)
    default:
      return refuse(`its pre-tokenizer ${String(type)} may reach over any place`)
  }
}

function behindMetaspace(stage: Stage, { replacement, split, prepend_scheme }: Record<string, unknown>): Stage {
  if (replacement !== MARK) return refuse('its pre-tokenizer replaces blanks by something unusual')
  if (prepend_scheme !== 'never' && stage.dropped) return refuse('blanks are put before a text twice')
  // A part that begins with a blank gets none put before it; one that begins with a line end would.
  const kept = keeping(stage, (form) => form === ' ' || form === MARK)
  return {
    ...kept,
    forms: new Map([...kept.forms.keys()].map((one) => [one, MARK])),
    parted: stage.parted || split !== false
  }
}

function behindSplit(stage: Stage, { pattern, behavior, invert }: Record<string, unknown>): Stage {
  if (!isRecord(pattern)) return refuse('its pre-tokenizer is not known')
  if (typeof pattern.Regex === 'string') {
    if (behavior !== 'Isolated' && behavior !== 'Removed')
      return refuse(`its pre-tokenizer splits as ${String(behavior)}`)
    return behindRegex(stage, pattern.Regex)
  }
  const text = String(pattern.String)
  if (new RegExp(`[${LETTERS}]`, 'u').test(text)) return refuse('its pre-tokenizer splits at letters')
  const forms = [...stage.forms.values()]
  if (!forms.some((form) => text.includes(form))) return stage
  const atAll = forms.every((form) => form === text) && invert !== true
  if (!atAll || !['Isolated', 'Removed', 'MergedWithNext'].includes(String(behavior)))
    return refuse(`its pre-tokenizer splits at ${JSON.stringify(text)} as ${String(behavior)}`)
  return { ...stage, parted: true }
}

function behindRegex(stage: Stage, regex: string): Stage {
  const letters = charactersOf(stage.letters)
  const found = [...stage.forms].map(([separator, form]) => ({
    separator,
    form,
    at: regexAtCuts(regex, letters, [form])
  }))
  const forms = found.flatMap(({ separator, form, at }) => (at === undefined ? [] : [[separator, form] as const]))
  if (forms.length === 0) return refuse('its regular expression may match over any place')
  return {
    ...stage,
    forms: new Map(forms),
    parted: stage.parted || found.every(({ at }) => at === undefined || at.ends)
  }
}

/** Some of each range: the classes of regular expressions do not divide them further than into large and small letters. */
function charactersOf(letters: string): string[] {
  return [...letters.matchAll(/(.)-(.)/gu)].flatMap(([, from = '', to = '']) => {
    const [begin, end] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
    return Array.from({ length: end - begin + 1 }, (_, i) => String.fromCodePoint(begin + i))
  })
}

/** Where nothing parts the text, the model may join everything: only merges can be seen not to. */
function behindModel(stage: Stage, { model }: TokenizerDefinition): Stage {
  const { type = 'BPE', vocab, ignore_merges, continuing_subword_prefix, end_of_word_suffix } = model
  if (type !== 'BPE' || !isRecord(vocab)) return refuse(`its model, ${String(type)}, sees the text as a whole`)
  if (ignore_merges === true || continuing_subword_prefix || end_of_word_suffix)
    return refuse('its model sees the text as a whole')
  const forms = [...stage.forms].filter(([, form]) => Object.hasOwn(vocab, form))
  const joined = new RegExp(`[${stage.letters}>](?:${forms.map(([, form]) => form).join('|')})`, 'u')
  const token = forms.length === 0 ? undefined : Object.keys(vocab).find((one) => joined.test(one))
  if (token !== undefined) return refuse(`its token ${JSON.stringify(token)} reaches over the end of a word`)
  return { ...stage, forms: new Map(forms), parted: true }
}
