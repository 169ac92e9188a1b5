import { Tokenizer } from 'tokenizers'
import { isRecord } from '../formats/checkpointFiles'
import { quoted } from './gpt2Files'
import type { TokenizerDefinition } from './tokenizerDefinition'

const SMALLEST = { version: '1.0', added_tokens: [], model: { type: 'BPE', vocab: {}, merges: [] } }

/** Sections of tokenizer.json, and where each keeps the parts of a sequence. */
const SECTIONS = {
  normalizer: 'normalizers',
  pre_tokenizer: 'pretokenizers',
  post_processor: 'processors',
  decoder: 'decoders'
}

/**
 * Why the library does not take a definition, in words that name the part: the library itself names a place in the text.
 *
 * @param reason - what the library said of the whole
 */
export function faultyPart(definition: TokenizerDefinition, reason: string): string {
  for (const [section, key] of Object.entries(SECTIONS))
    for (const part of partsOf(definition[section], key)) {
      const found = complaint({ ...SMALLEST, [section]: part })
      if (found !== undefined) return `the ${section} ${nameOf(part)} is not supported${because(found)}`
    }
  const found = complaint({ ...SMALLEST, model: definition.model })
  return found === undefined
    ? withoutPlace(reason)
    : `the model ${nameOf(definition.model)} is not supported${because(found)}`
}

const partsOf = (part: unknown, key: string): unknown[] => {
  if (part === undefined || part === null) return []
  const parts = isRecord(part) && part.type === 'Sequence' ? part[key] : undefined
  return Array.isArray(parts) ? parts.flatMap((inner) => partsOf(inner, key)) : [part]
}

function complaint(definition: object): string | undefined {
  try {
    Tokenizer.fromString(JSON.stringify(definition))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const nameOf = (part: unknown): string => (isRecord(part) && typeof part.type === 'string' ? part.type : quoted(part))

const withoutPlace = (reason: string): string => reason.replace(/ at line \d+ column \d+$/, '')

/** That it fits nothing the library knows says no more than that it is not supported. */
const because = (reason: string): string =>
  reason.startsWith('data did not match any variant') ? '' : `: ${withoutPlace(reason)}`
