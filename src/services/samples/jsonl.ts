import { badInput } from '../../shared/errors'
import { asRow, type Row, type RowFormat } from './format'
import { textChunks } from './userFile'

/** A longer line is a file that was not written line by line. */
const MAX_LINE = 2 ** 26

/** One JSON object a line; empty lines are passed over. */
export const jsonl: RowFormat = {
  name: 'JSON lines',
  endings: ['.jsonl', '.ndjson'],
  async *rows(path, options) {
    let rest = ''
    let number = 0
    for await (const chunk of textChunks(path, options)) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LINE)
        throw badInput(`${path}: line ${number + lines.length + 1} is longer than ${MAX_LINE} characters`)
      for (const line of lines) {
        number++
        if (line.trim() !== '') yield rowOf(number, line)
      }
    }
    if (rest.trim() !== '') yield rowOf(number + 1, rest)
  }
}

function rowOf(number: number, line: string): Row {
  try {
    return asRow(number, JSON.parse(line), 'not a JSON object')
  } catch {
    return { number, reason: 'not JSON' }
  }
}
