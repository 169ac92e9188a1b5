import { badInput } from '../../shared/errors'
import { asRow, type RowFormat } from './format'
import { readWholeText } from './userFile'

/** A JSON array of objects, or an object whose longest list of objects it is (`{"data": […]}`). */
export const json: RowFormat = {
  name: 'JSON',
  endings: ['.json'],
  async *rows(path, { signal }) {
    const records = recordsIn(parse(await readWholeText(path), path), path)
    for (const [index, record] of records.entries()) {
      signal?.throwIfAborted()
      yield asRow(index + 1, record, 'not a JSON object')
    }
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badInput(`${path} is not valid JSON: ${(error as Error).message}; one object a line is a .jsonl file`)
  }
}

function recordsIn(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  const lists = Object.values(value ?? {}).filter((entry): entry is unknown[] => Array.isArray(entry))
  const [longest] = lists.sort((a, b) => b.length - a.length)
  if (longest === undefined)
    throw badInput(`${path} holds no list of objects; a JSON array with one object per sample is needed`)
  return longest
}
