import { join } from 'node:path'
import { badFormat, badInput } from '../../shared/errors'
import { isRecord } from '../formats/checkpointFiles'
import { readJsonFile, readTextFile } from '../formats/files'
import { MAX_TOKENIZER_BYTES } from '../formats/limits'

export const VOCABULARY_FILE = 'vocab.json'
export const MERGES_FILE = 'merges.txt'

/** The model of a byte-level BPE, as in tokenizer.json. */
export interface Gpt2Model {
  readonly type: 'BPE'
  readonly vocab: Readonly<Record<string, number>>
  readonly merges: readonly (readonly [string, string])[]
  readonly [key: string]: unknown
}

/**
 * Reads the vocabulary and the merges of GPT-2's layout.
 *
 * @throws {AppError} BAD_FORMAT, naming the file and the line or the token, what was found and what was expected;
 *   BAD_INPUT for a file that cannot be read
 *
 * Source: tokenizers 0.23, BPE::read_file. Known difference: an id that two tokens share is refused.
 */
export async function readGpt2Model(directory: string): Promise<Gpt2Model> {
  const vocab = await readVocabulary(join(directory, VOCABULARY_FILE))
  const merges = await readMerges(join(directory, MERGES_FILE), vocab)
  return { type: 'BPE', vocab, merges, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '' }
}

async function readVocabulary(path: string): Promise<Record<string, number>> {
  const vocab = await readJsonFile(path, MAX_TOKENIZER_BYTES)
  if (!isRecord(vocab) || Object.keys(vocab).length === 0)
    throw badFormat(`${path} holds no vocabulary: one object from tokens to ids was expected`)
  const owners = new Map<number, string>()
  for (const [token, id] of Object.entries(vocab)) {
    if (!isTokenId(id))
      throw badFormat(
        `${path}: the token ${quoted(token)} has the id ${quoted(id)}, a whole number from 0 was expected`
      )
    const other = owners.get(id)
    if (other !== undefined)
      throw badFormat(`${path}: the tokens ${quoted(other)} and ${quoted(token)} both have the id ${id}`)
    owners.set(id, token)
  }
  return vocab as Record<string, number>
}

/** Ids become int32 and indices of a list that has one place for each: a huge one would cost memory. */
const MAX_TOKEN_ID = 2 ** 24

export const isTokenId = (id: unknown): id is number =>
  Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_TOKEN_ID

/** One merge a line, the first ones before the later ones; lines that begin with `#version` are skipped. */
async function readMerges(path: string, vocab: Readonly<Record<string, number>>): Promise<[string, string][]> {
  const lines = (await readTextFile(path, MAX_TOKENIZER_BYTES)).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop() // the end of the last line
  const merges = lines.flatMap((line, index): [string, string][] =>
    line.startsWith('#version') ? [] : [readMerge(line, `${path}, line ${index + 1}`, vocab)]
  )
  if (merges.length === 0) throw badFormat(`${path} holds no merges: two tokens on each line were expected`)
  return merges
}

function readMerge(line: string, place: string, vocab: Readonly<Record<string, number>>): [string, string] {
  const [left, right, ...rest] = line.split(' ')
  if (!left || !right || rest.length > 0)
    throw badFormat(`${place} is ${quoted(line)}, two tokens with one space between them were expected`)
  for (const token of [left, right, left + right])
    if (!Object.hasOwn(vocab, token))
      throw badInput(
        `${place} merges ${quoted(left)} and ${quoted(right)}, but ${VOCABULARY_FILE} has no ${quoted(token)}`
      )
  return [left, right]
}

/** Longest piece of a damaged file that is repeated in a message. */
const MAX_QUOTED = 80

export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}…`
}
