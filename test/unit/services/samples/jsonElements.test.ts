import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { json, listElements } from '../../../../src/services/samples/json'
import { ElementCutter } from '../../../../src/services/samples/jsonElements'

const ROWS = [
  { text: 'a "quoted" \\ [b], {c}' },
  { text: '\\\\"', list: [[1, 2], { a: '],' }], empty: {} },
  {},
  { text: 'é\n😀', deep: { a: { b: ['}'] } } }
]

/** The elements of a list that comes in pieces of so many characters. */
function cut(list: string, size: number): { elements: string[]; cutter: ElementCutter } {
  const cutter = new ElementCutter()
  const pieces = Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
  return { elements: pieces.flatMap((piece) => cutter.push(piece)), cutter }
}

test.each([0, 2])('a list is cut into its elements, wherever its pieces end (indented by %i)', (indent) => {
  const list = ` ${JSON.stringify(ROWS, null, indent)}\n`
  for (let size = 1; size <= list.length; size++) {
    const { elements, cutter } = cut(list, size)
    expect(elements.map((text) => JSON.parse(text))).toEqual(ROWS)
    expect(cutter).toMatchObject({ isOver: true, left: '' })
  }
})

test('an empty list has no elements; one that is not closed is not over', () => {
  expect(cut('[ ]', 1)).toMatchObject({ elements: [], cutter: { isOver: true } })
  expect(cut('[1, "]', 2)).toMatchObject({ elements: ['1'], cutter: { isOver: false } })
})

describe('the rows of a list that is cut', () => {
  const file = (content: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'quail-list-')), 'list.json')
    writeFileSync(path, content)
    return path
  }
  const rowsOf = async (rows: AsyncIterable<unknown>) => {
    const found: unknown[] = []
    for await (const row of rows) found.push(row)
    return found
  }

  test('are those of the list that is parsed whole', async () => {
    const path = file(JSON.stringify([...ROWS, 5]))
    expect(await rowsOf(listElements(path, {}))).toEqual(await rowsOf(json.rows(path, {})))
  })

  test.each([
    ['[{"text": "a"}', /list\.json is not valid JSON: it ends in the midst of its list$/],
    ['[{"text": "a"}] {}', /list\.json is not valid JSON: it goes on after its list$/]
  ])('end in an error for %s', async (content, message) => {
    await expect(rowsOf(listElements(file(content), {}))).rejects.toThrow(message)
  })
})
