import { badInput } from '../../shared/errors'
import { quoted } from './gpt2Files'
import type { AddedToken } from './specialTokens'
import { addedTokensOf } from './tokenizerDefinition'
import type { TokenizerSource } from './tokenizerFiles'

/** Two noncharacters, which no text has, keep the place of a token that is not to be found. */
const hidden = (content: string): string => `\ufdd0${content}\ufdd1`

/**
 * The tokenizer that takes special tokens for text like any other, which `split_special_tokens` asks for. (The library's
 * `encode_special_tokens` does that too, but its Node form has no such property.)
 *
 * Special tokens that the model's vocabulary has are left out; the others keep their ids, under names that no text has.
 *
 * @throws {AppError} BAD_INPUT when an added token that is not special may begin inside a special one: there the library
 *   goes on behind the special one
 */
export function withoutSpecialTokens(source: TokenizerSource): TokenizerSource {
  const { definition, additions, path } = source
  const all: readonly AddedToken[] = [...addedTokensOf(definition), ...additions]
  const special = new Set(all.filter((token) => token.special).map(({ content }) => content))
  assertApart(all, special, path)
  const { vocab } = definition.model
  const inModel = new Set(Array.isArray(vocab) ? vocab.map(([token]) => token) : Object.keys(vocab as object))
  const hide = <T extends AddedToken>(tokens: readonly T[]): T[] =>
    tokens
      .filter(({ content }) => !(special.has(content) && inModel.has(content)))
      .map((token) =>
        special.has(token.content) ? { ...token, content: hidden(token.content), given: undefined } : token
      )
  return {
    ...source,
    definition: { ...definition, added_tokens: hide(addedTokensOf(definition)) },
    additions: hide(additions)
  }
}

function assertApart(all: readonly AddedToken[], special: ReadonlySet<string>, path: string): void {
  const [found, plain] = [all.filter((t) => special.has(t.content)), all.filter((t) => !special.has(t.content))]
  for (const { content, normalized } of found)
    for (const other of plain)
      if (other.normalized === normalized && mayBeginInside(other.content, content))
        throw badInput(
          `${path}: split_special_tokens is not supported with the added token ${quoted(other.content)}, which may ` +
            `overlap the special token ${quoted(content)}`
        )
}

const mayBeginInside = (other: string, content: string): boolean =>
  Array.from(content, (_, i) => content.slice(i)).some((rest) => rest.startsWith(other) || other.startsWith(rest))
