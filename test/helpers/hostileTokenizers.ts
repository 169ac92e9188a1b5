import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addTokenizer, copyCheckpoint } from './checkpoints'
import { sampleModel } from './paths'

/** The sample model, with changes to its tokenizer.json. */
export function modelWithTokenizer(changes: object): string {
  const model = copyCheckpoint(sampleModel)
  addTokenizer(model)
  const path = join(model, 'tokenizer.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }))
  return model
}

/** A model over whose tokens of `blanks` the tokenizers library ends its process. */
export function modelThatEndsOverBlanks(): string {
  // The regular expression of many published models looks through all blanks again when no line end is behind them.
  const Regex = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  const split = { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return modelWithTokenizer({ pre_tokenizer: { type: 'Sequence', pretokenizers: [split, bytes] } })
}

export const blanks = (): string => `a${' '.repeat(12_000_000)}b`
