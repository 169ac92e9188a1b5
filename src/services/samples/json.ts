import { JsonFault, type JsonObject, type JsonValue, parsePythonJson } from '../../engine/formats/strictJson'
import { badInput } from '../../shared/errors'
import { asRow, type ReadOptions, type Row, type RowFormat } from './format'
import { ElementCutter } from './jsonElements'
import { unpackedName } from './packedFile'
import { guessShape } from './shapes'
import { MAX_WHOLE_BYTES, readWholeText, textChunks, unpackedSize } from './userFile'

/** A longer line is a file that was not written line by line. */
const MAX_LINE = 2 ** 26

/**
 * JSON, whatever the file is called: one object a line, or one array of objects, or an object that holds one such
 * array (`{"data": […]}`).
 *
 * The content tells which: where the first line is an object by itself, the others are too.
 */
export const json: RowFormat = {
  name: 'JSON',
  endings: ['.json', '.jsonl', '.ndjson'],
  async *rows(path, options) {
    const { line, more } = await firstLine(path)
    if (line.startsWith('[') && (await unpackedSize(path)) > MAX_WHOLE_BYTES) {
      yield* listElements(path, options)
      return
    }
    const first = parsed(line)
    const isLines = more ? first.value !== undefined : first.value instanceof Map && isRow(first.value, path)
    if (isLines || !/^[[{]/.test(line)) {
      yield* lines(path, options)
      return
    }
    const whole = parsed(await readWholeText(path))
    if (whole.value instanceof Map && isRowOfItsOwn(whole.value, path)) yield asRow(1, whole.value)
    else if (whole.value !== undefined) yield* records(whole.value, path, options)
    else if (isNamedAsLines(path)) yield* lines(path, options)
    else throw badInput(`${path} is not valid JSON: it ${whole.fault}`)
  }
}

/** Whether the one object of a file is a row itself, rather than what holds the rows. */
const isRow = (object: JsonObject, path: string): boolean =>
  guessShape([...object.keys()]) !== undefined || (isNamedAsLines(path) && listsIn(object).size === 0)

/** The same of an object over several lines, or on one that is longer than what is looked at for the first. */
const isRowOfItsOwn = (object: JsonObject, path: string): boolean =>
  isRow(object, path) && (isNamedAsLines(path) || listsIn(object).size === 0)

const isNamedAsLines = (path: string): boolean => !/\.json$/i.test(unpackedName(path))

interface Parsed {
  /** Missing where the text is no JSON. */
  readonly value?: JsonValue
  readonly fault?: string
}

function parsed(text: string): Parsed {
  try {
    return { value: parsePythonJson(text, { lenient: true }) }
  } catch (error) {
    if (error instanceof JsonFault) return { fault: error.message }
    throw error
  }
}

/** The first line that is not empty, and whether another follows. */
async function firstLine(path: string): Promise<{ line: string; more: boolean }> {
  let line = ''
  let ended = false
  for await (const chunk of textChunks(path, {})) {
    const text = line === '' ? chunk.trimStart() : chunk
    const end: number = ended ? 0 : text.search(/[\r\n]/)
    line += end < 0 ? text : text.slice(0, end)
    ended ||= end >= 0
    if (ended && /\S/.test(text.slice(end))) return { line, more: true }
    if (line.length > MAX_LINE) break
  }
  return { line, more: false }
}

async function* lines(path: string, options: ReadOptions): AsyncGenerator<Row> {
  let rest = ''
  let number = 1
  for await (const chunk of textChunks(path, options)) {
    const [head = '', ...others] = chunk.split('\n')
    rest += head
    if (rest.length > MAX_LINE) throw badInput(`${path}: line ${number} is longer than ${MAX_LINE} characters`)
    for (const next of others) {
      if (rest.trim() !== '') yield rowOf(number, rest)
      rest = next
      number++
    }
  }
  if (rest.trim() !== '') yield rowOf(number, rest)
}

/** The objects of a list that is too large to be parsed whole. @throws {AppError} BAD_INPUT when it is not closed */
export async function* listElements(path: string, options: ReadOptions): AsyncGenerator<Row> {
  const cutter = new ElementCutter()
  let number = 0
  for await (const chunk of textChunks(path, options)) {
    for (const text of cutter.push(chunk)) yield rowOf(++number, text)
    if (cutter.waiting > MAX_LINE)
      throw badInput(`${path}: element ${number + 1} of its list is longer than ${MAX_LINE} characters`)
  }
  if (!cutter.isOver) throw badInput(`${path} is not valid JSON: it ends in the midst of its list`)
  if (cutter.left !== '') throw badInput(`${path} is not valid JSON: it goes on after its list`)
}

function rowOf(number: number, line: string): Row {
  const { value, fault } = parsed(line)
  return value === undefined ? { number, reason: `not JSON: it ${fault}` } : asRow(number, value)
}

function* records(value: JsonValue, path: string, { signal }: ReadOptions): Generator<Row> {
  for (const [index, record] of recordsIn(value, path).entries()) {
    signal?.throwIfAborted()
    yield asRow(index + 1, record)
  }
}

function recordsIn(value: JsonValue, path: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value
  const lists = value instanceof Map ? listsIn(value) : new Map<string, JsonValue[]>()
  const [only] = lists.values()
  if (only === undefined)
    throw badInput(`${path} holds no list of objects; a JSON array with one object per sample is needed`)
  if (lists.size > 1)
    throw badInput(`${path} holds several lists of objects (${[...lists.keys()].join(', ')}); one a file is needed`)
  return only
}

/** The lists of objects that an object holds. */
const listsIn = (object: JsonObject): Map<string, JsonValue[]> =>
  new Map(
    [...object].filter(
      (entry): entry is [string, JsonValue[]] =>
        Array.isArray(entry[1]) && entry[1].some((item: JsonValue) => item instanceof Map)
    )
  )
