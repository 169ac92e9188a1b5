import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { inspectSampleFile } from '../../../../src/services/samples/inspectSamples'
import { readSampleFile } from '../../../../src/services/samples/readSamples'

const directory = mkdtempSync(join(tmpdir(), 'quail-formats-'))
afterAll(() => rmSync(directory, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

const turns = (question: string, answer: string) => [
  { role: 'user', content: question },
  { role: 'assistant', content: answer }
]
const conversations = (samples: readonly string[]): unknown[] => samples.map((sample) => JSON.parse(sample))

describe('a table', () => {
  test('of comma-separated values has quoted fields with line breaks, and rows of another length', async () => {
    const path = file('a.csv', '\ufeffid,text\r\n1,"one, ""two""\nthree"\r\n2\r\n3,last\r\n')
    const read = await readSampleFile(path)
    expect(read).toMatchObject({ format: 'comma-separated table', kind: 'text', shape: { kind: 'text', text: 'text' } })
    expect(read.samples).toEqual(['one, "two"\nthree', 'last'])
    expect(read.badRows).toEqual([{ row: 2, reason: '1 fields, the heading has 2' }])
  })

  test('of tab-separated values gives questions and answers as conversations', async () => {
    const read = await readSampleFile(file('a.tsv', 'prompt\tcompletion\nhow?\tso\nwhy?\t\n'))
    expect(read.kind).toBe('messages')
    expect(conversations(read.samples)).toEqual([turns('how?', 'so')])
    expect(read.badRows).toEqual([{ row: 2, reason: '"completion" is empty' }])
  })

  test('whose heading names a column twice is refused', async () => {
    await expect(readSampleFile(file('twice.csv', 'text,text\na,b\n'))).rejects.toThrow(/names the column "text" twice/)
  })
})

describe('JSON', () => {
  test('is a list, or an object that holds one; instructions take their input along', async () => {
    const rows = [
      { instruction: 'Add.', input: '1 2', output: '3' },
      { instruction: 'Greet.', input: '', output: 'hello' },
      { instruction: 'Nothing.', output: 5 }
    ]
    for (const [name, content] of [
      ['list.json', rows],
      ['object.json', { version: 1, data: rows }]
    ] as const) {
      const read = await readSampleFile(file(name, JSON.stringify(content)))
      expect(conversations(read.samples)).toEqual([turns('Add.\n\n1 2', '3'), turns('Greet.', 'hello')])
      expect(read.badRows).toEqual([{ row: 3, reason: '"output" is not a string' }])
    }
  })

  test('that is none says where; without a list it says what is needed', async () => {
    await expect(readSampleFile(file('broken.json', '[{"text": "a"}'))).rejects.toThrow(
      /broken\.json is not valid JSON: /
    )
    await expect(readSampleFile(file('flat.json', '{"a": 1}'))).rejects.toThrow(/flat\.json holds no list of objects; /)
  })

  test('lines of ShareGPT have other names for the same turns', async () => {
    const lines = [
      {
        conversations: [
          { from: 'system', value: 's' },
          { from: 'human', value: 'q' },
          { from: 'gpt', value: 'a' }
        ]
      },
      { conversations: [{ from: 'human' }] },
      { conversations: [] }
    ]
    const read = await readSampleFile(file('share.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')))
    expect(conversations(read.samples)).toEqual([[{ role: 'system', content: 's' }, ...turns('q', 'a')]])
    expect(read.badRows).toEqual([
      { row: 2, reason: 'turn 1 of "conversations" has no role or no text' },
      { row: 3, reason: '"conversations" has no turn' }
    ])
  })
})

describe('Parquet', () => {
  const fixture = resolve('test/fixtures/samples/chat.parquet')

  test('as pyarrow writes it: nested columns, several row groups, compressed', async () => {
    const read = await readSampleFile(fixture)
    expect(read).toMatchObject({ format: 'Parquet', kind: 'messages', available: 10 })
    expect(conversations(read.samples)[0]).toEqual(turns('question 0', 'answer 0'))
    expect(read.badRows).toEqual([
      { row: 5, reason: '"messages" has no turn' },
      { row: 8, reason: '"messages" is not a list of turns' }
    ])
  })

  test('that is cut off, or something else, is refused by name', async () => {
    const cut = file('cut.parquet', Buffer.from('PAR1'))
    truncateSync(cut, 4)
    await expect(readSampleFile(cut)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(cut)
    })
    const other = file('other.parquet', 'a text, not a table, of some length')
    await expect(readSampleFile(other)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/other\.parquet is not a Parquet file/)
    })
  })
})

describe('columns', () => {
  const path = file('faq.csv', 'question,answer\nhow?,so\n')

  test('of other names are refused until the person says what they hold', async () => {
    await expect(readSampleFile(path)).rejects.toThrow(/its keys are question, answer; say which column holds what/)
    expect(await inspectSampleFile(path)).toMatchObject({ columns: ['question', 'answer'], shape: null, kind: null })
    const shape = { kind: 'prompt', prompt: 'question', completion: 'answer' } as const
    expect(conversations((await readSampleFile(path, { shape })).samples)).toEqual([turns('how?', 'so')])
    expect(await inspectSampleFile(path, { shape })).toMatchObject({ shape, kind: 'messages', rowsRead: 1 })
  })
})

describe('samples taken by chance', () => {
  const path = file('many.txt', Array.from({ length: 200 }, (_, i) => `line ${i}`).join('\n'))
  const take = async (count: number, seed: number) =>
    (await readSampleFile(path, { split: 'line', sampling: { count, seed } })).samples

  test('are the same for the same seed, in the order of the file', async () => {
    const chosen = await take(20, 3)
    expect(chosen).toHaveLength(20)
    expect(await take(20, 3)).toEqual(chosen)
    expect(await take(20, 4)).not.toEqual(chosen)
    const places = chosen.map((line) => Number(line.slice(5)))
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  test('are among those of a larger count, and all where there are no more', async () => {
    const larger = await take(40, 3)
    expect((await take(20, 3)).every((line) => larger.includes(line))).toBe(true)
    expect(await take(500, 3)).toHaveLength(200)
  })
})
