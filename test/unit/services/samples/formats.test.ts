import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetMetadata } from 'hyparquet'
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
    expect(read.badRows).toEqual([{ row: 2, reason: '1 field, the heading has 2' }])
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

// What is quadratic in these takes hours.
describe('a file of a form that nobody writes is read in time', () => {
  test('with 200,000 columns', async () => {
    const names = Array.from({ length: 200_000 }, (_, i) => `c${i}`)
    const path = file('wide.csv', `text,${names.join()}\na${','.repeat(names.length)}\n`)
    expect(await readSampleFile(path)).toMatchObject({ samples: ['a'], badRows: [] })
  })

  test.each([
    ['lines.json', `[${'\n'.repeat(4e6)}`, /is not valid JSON: it ends where a value was expected/],
    ['open.json', '['.repeat(2e6), /is not valid JSON: it is nested deeper than/],
    ['objects.json', '{"a":'.repeat(1e6), /is not valid JSON: it is nested deeper than/],
    ['quotes.csv', `text\n"${'""'.repeat(2e6)}`, /quotes\.csv/],
    ['escapes.json', `["${'\\'.repeat(4e6)}`, /is not valid JSON: it ends inside a string/]
  ])('%s', async (name, content, message) => {
    await expect(readSampleFile(file(name, content))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message)
    })
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

  test.each([
    ['texts by turns, as LIMA and UltraChat have them', ['q', 'a', 'q2', 'a2']],
    [
      'questions with their answers, as Capybara has them',
      [
        { input: 'q', output: 'a' },
        { input: 'q2', output: 'a2' }
      ]
    ],
    ['an object of lists', { from: ['human', 'gpt', 'human', 'gpt'], value: ['q', 'a', 'q2', 'a2'] }]
  ])('holds conversations as %s', async (_, form) => {
    const lines = `${JSON.stringify({ conversations: form })}\n${JSON.stringify({ conversations: form })}`
    const read = await readSampleFile(file('forms.jsonl', lines))
    const expected = [...turns('q', 'a'), ...turns('q2', 'a2')]
    expect(conversations(read.samples)).toEqual([expected, expected])
  })

  test('has names of ShareGPT under role too, which no template knows', async () => {
    const messages = [
      { role: 'human', content: 'q' },
      { role: 'gpt', content: 'a' }
    ]
    const read = await readSampleFile(file('names.jsonl', `${JSON.stringify({ messages })}\n`))
    expect(conversations(read.samples)).toEqual([turns('q', 'a')])
  })

  test('of a conversation is known by that name too, where there is no text', async () => {
    const lines = [{ conversation: turns('q', 'a') }, { conversation: turns('r', 'b'), model: 'm' }]
    const read = await readSampleFile(file('chat.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')))
    expect(conversations(read.samples)).toEqual([turns('q', 'a'), turns('r', 'b')])
    const beside = file('beside.jsonl', '{"conversation":"c1","text":"one"}\n')
    expect((await readSampleFile(beside)).samples).toEqual(['one'])
  })

  test.each([
    ['one text is no conversation', { conversations: ['q'] }, 'turn 1 of "conversations" is "q", not an object'],
    ['lists of different lengths are none', { conversations: { role: ['user'], content: [] } }, /not a list of turns/],
    ['texts are no turns of an answer', { prompt: 'q', completion: ['a', 'b'] }, 'turn 1 of "completion" is "a", not']
  ])('%s', async (_, row, reason) => {
    const lines = `${JSON.stringify(row)}\n${JSON.stringify(row)}`
    await expect(readSampleFile(file('none.jsonl', lines))).rejects.toThrow(reason)
  })

  test('that is none says where; without a list it says what is needed', async () => {
    await expect(readSampleFile(file('broken.json', '[{"text": "a"}'))).rejects.toThrow(
      /broken\.json is not valid JSON: /
    )
    await expect(readSampleFile(file('flat.json', '{"a": 1}'))).rejects.toThrow(/flat\.json holds no list of objects; /)
  })

  test.each(['row.json', 'row.jsonl'])('of one object over several lines is a row, in %s', async (name) => {
    expect((await readSampleFile(file(name, '{\n  "text": "one"\n}\n'))).samples).toEqual(['one'])
    const chat = JSON.stringify({ prompt: 'q', completion: 'a' }, null, 2)
    expect(conversations((await readSampleFile(file(name, chat))).samples)).toEqual([turns('q', 'a')])
    const held = JSON.stringify({ text: 'what it is', data: [{ text: 'two' }] }, null, 2)
    expect((await readSampleFile(file('held.json', held))).samples).toEqual(['two'])
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
      { row: 2, reason: 'turn 1 of "conversations" has no content' },
      { row: 3, reason: '"conversations" has no turn' }
    ])
  })
})

describe('a file packed by gzip', () => {
  const lines = '{"text":"one"}\n{"text":"two"}\n'
  const array = '[\n{"text":"one"},\n{"text":"two"}\n]'
  const halves = Buffer.concat([gzipSync(lines.slice(0, 15)), gzipSync(lines.slice(15))])
  test.each([
    ['c4.json.gz', gzipSync(lines), 'JSON'],
    ['halves.jsonl.gz', halves, 'JSON'],
    ['array.json.gz', gzipSync(array), 'JSON'],
    ['without-its-ending.jsonl', gzipSync(lines), 'JSON'],
    ['table.CSV.GZ', gzipSync('id,text\n1,one\n2,two\n'), 'comma-separated table']
  ])('%s is read as what is packed in it', async (name, bytes, format) => {
    const path = file(name, bytes)
    expect(await readSampleFile(path)).toMatchObject({ format, samples: ['one', 'two'], badRows: [] })
    expect(await inspectSampleFile(path)).toMatchObject({ format, packed: true })
  })

  test('is told from one that is not', async () => {
    expect(await inspectSampleFile(file('plain.jsonl', lines))).toMatchObject({ packed: false })
  })

  test('is plain text by its name without .gz, and cut as such', async () => {
    const path = file('notes.txt.gz', gzipSync('\ufeffOne.\r\n\r\nTwo \u00e9.\n'))
    expect((await readSampleFile(path, { split: 'paragraph' })).samples).toEqual(['One.', 'Two \u00e9.'])
  })

  test.each([
    ['cut off', gzipSync(lines).subarray(0, 30)],
    ['changed', gzipSync(lines).fill(0xff, 12, 20)]
  ])('is refused where it is %s', async (_, bytes) => {
    await expect(readSampleFile(file('broken.jsonl.gz', bytes))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/broken\.jsonl\.gz is packed by gzip, and damaged: /)
    })
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

  test('compressed by LZ4, with a column of nulls', async () => {
    const read = await readSampleFile(resolve('test/fixtures/samples/nulls.parquet'))
    expect(conversations(read.samples)).toEqual([turns('question 0', 'answer 0')])
  })

  test('with a group of less than no columns is refused', async () => {
    const bytes = Buffer.from(readFileSync(resolve('test/fixtures/samples/typed.parquet')))
    expect(bytes[1560]).toBe(2) // one column, in zigzag
    bytes[1560] = 1 // minus one
    await expect(readSampleFile(file('negative.parquet', bytes))).rejects.toMatchObject({ code: 'BAD_INPUT' })
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

test('two columns of one name in Parquet are refused where they are used, as a table with such a heading is', async () => {
  await expect(readSampleFile(resolve('test/fixtures/samples/twice.parquet'))).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(/twice\.parquet: two columns are called "text"$/)
  })
  const { samples } = await readSampleFile(resolve('test/fixtures/samples/unused.parquet'))
  expect(samples).toEqual(['first'])
})

describe('a Parquet file that contradicts itself is refused before anything is decoded', () => {
  const bytes = readFileSync(resolve('test/fixtures/samples/chat.parquet'))
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  const I64 = 0x16 // the next field, a 64-bit integer: a zigzag varint follows

  /** The file with numbers of its footer changed; both are found by what stands around them. */
  function withCounts(name: string, change: (metadata: Buffer) => Buffer): string {
    const metadata = change(Buffer.from(bytes.subarray(footer, -8)))
    const end = Buffer.alloc(8, 'PAR1', 'latin1')
    end.writeUInt32LE(metadata.length)
    end.write('PAR1', 4)
    return file(name, Buffer.concat([bytes.subarray(0, footer), metadata, end]))
  }

  /** num_rows of the file, 12, stands before its list of three row groups. */
  const withTotal = (metadata: Buffer, total: readonly number[]): Buffer => {
    const at = metadata.indexOf(Buffer.from([I64, 24, 0x19, 0x3c]))
    expect(at).toBeGreaterThan(0)
    return Buffer.concat([metadata.subarray(0, at + 1), Buffer.from(total), metadata.subarray(at + 2)])
  }

  test.each([
    ['a thousand million', [0x80, 0xa8, 0xd6, 0xb9, 0x07], '1000000000'],
    ['2^62', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], '4611686018427387904'],
    ['fewer', [14], '7']
  ])('%s rows where its row groups hold 12', async (_, total, said) => {
    const path = withCounts('rows.parquet', (metadata) => withTotal(metadata, total))
    await expect(readSampleFile(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${path}: its footer promises ${said} rows, but its row groups hold 12; it is damaged`
    })
  })

  test('a row group that promises more rows than its pages hold', async () => {
    const path = withCounts('group.parquet', (metadata) => {
      const changed = withTotal(metadata, [26])
      // num_rows of the first group, 5, stands behind its total_byte_size
      const at = changed.indexOf(Buffer.from([I64, 10, 0x26]))
      expect(at).toBeGreaterThan(0)
      changed[at + 1] = 12
      return changed
    })
    await expect(readSampleFile(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: `${path}: row group 1, column "id": 6 rows are promised, but its pages hold 5; the file is damaged`
    })
  })

  test.each([
    [
      '1,800,000,000 bytes',
      [0x80, 0xc8, 0xce, 0xb4, 0x0d],
      [10],
      /a page has 1800000000 bytes and 5 values; up to 134217728 /
    ],
    [
      'a thousand million values',
      [20],
      [0x80, 0xa8, 0xd6, 0xb9, 0x07],
      /a page has 10 bytes and 1000000000 values; up to /
    ]
  ])('a page of %s', async (_, size, values, message) => {
    const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const column = row_groups[0]?.columns[1]?.meta_data // of messages
    const header = [0x15, 0, 0x15, ...size, 0x15, 2, 0x2c, 0x15, ...values, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]
    const changed = Buffer.from(bytes)
    changed.set(header, Number(column?.dictionary_page_offset ?? column?.data_page_offset))
    await expect(readSampleFile(file('page.parquet', changed))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message)
    })
  })
})

describe('values of Parquet', () => {
  const fixture = resolve('test/fixtures/samples/typed.parquet')

  // What pyarrow's to_pylist gives: whole floats stay floats, int64 keeps its digits, fields keep their order.
  test('keep their type, their digits and their order', async () => {
    const { samples, notes } = await readSampleFile(fixture)
    expect(samples[0]).toBe(
      '[{"role":"user","content":"question 0","2":"b","turn_identifier":9007199254740993,"small":7,"score":20.0,' +
        '"share":0.5,"toxic":false,"when":"2026-11-27 01:02:03","day":"2026-11-27","price":"12.50",' +
        '"tags":[1,null,-2],"image":null,"1":"a"},' +
        '{"role":"assistant","content":"answer","2":"b","turn_identifier":9007199254740993,"small":7,"score":1e-05,' +
        '"share":0.5,"toxic":null,"when":"2026-11-27 01:02:03","day":"2026-11-27","price":"12.50","tags":null,' +
        '"image":null,"1":"a"}]'
    )
    expect(notes).toEqual(['columns that are not used: id'])
  })

  // str() of what pyarrow's to_pylist gives; pandas' Timestamp where a time has nanoseconds.
  test('are written with all of their digits; what JSON cannot hold spoils the row that uses it', async () => {
    const { samples, badRows, notes } = await readSampleFile(resolve('test/fixtures/samples/exact.parquet'))
    expect(samples).toEqual([
      '[{"role":"user","content":"\ufeffmark","wide":"12345678901234567890.120000000","small":"-1E-9",' +
        '"at":"1969-12-31 23:59:59.123456","utc":"2024-05-06 12:53:20.123456789+00:00","clock":"07:08:09","p":0.5,' +
        '"keys":{"k":9007199254740993}}]'
    ])
    expect(badRows).toEqual([
      { row: 2, reason: '"messages" holds NaN, which JSON does not have' },
      { row: 3, reason: '"messages" holds bytes that are not UTF-8' }
    ])
    expect(notes).toEqual(['columns that are not used: score'])
  })

  test('of columns that are not used are not read: they may be of any size and kind', async () => {
    const whole = resolve('test/fixtures/samples/chat.parquet')
    const bytes = readFileSync(whole)
    const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    for (const { columns } of row_groups) {
      const id = columns[0]?.meta_data
      const end = Number(id?.dictionary_page_offset ?? id?.data_page_offset) + Number(id?.total_compressed_size)
      bytes.fill(0xff, end - 12, end)
    }
    const path = file('unused.parquet', bytes)
    const read = await readSampleFile(path)
    expect(read).toMatchObject({
      samples: (await readSampleFile(whole)).samples,
      notes: ['columns that are not used: id']
    })
    const shape = { kind: 'text', text: 'id' } as const
    await expect(readSampleFile(path, { shape })).rejects.toThrow(/row group 1, column "id" cannot be read/)
  })

  test('that cannot be read are named by row group and column', async () => {
    const bytes = readFileSync(fixture)
    const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const begin = Number(row_groups[1]?.columns[1]?.meta_data?.data_page_offset)
    const path = file('damaged.parquet', bytes.fill(0xff, begin + 20, begin + 60))
    await expect(readSampleFile(path)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/damaged\.parquet: row group 2, column "messages" cannot be read: /)
    })
  })
})

describe('what a file holds', () => {
  const row = { messages: turns('Where?', 'Below.') }
  const text = JSON.stringify(row)

  test.each([
    ['lines.json', `${text}\n${text}\n`, 2],
    ['one.json', `${text}\n`, 1],
    ['crlf.json', `\ufeff\r\n${text}\r\n\r\n${text}`, 2],
    ['array.jsonl', `[${text},\n${text}]`, 2],
    ['pretty.jsonl', JSON.stringify([row, row, row], null, 2), 3],
    ['object.ndjson', JSON.stringify({ version: 1, data: [row, row] }), 2]
  ])('decides, not its name: %s', async (name, content, count) => {
    const { samples, badRows } = await readSampleFile(file(name, content))
    expect(conversations(samples)).toEqual(Array.from({ length: count }, () => row.messages))
    expect(badRows).toEqual([])
  })

  test.each([
    ['semicolons.csv', 'id;text\n1;"one; two"\n2;three, four\n'],
    ['tabs.csv', 'id\ttext\n1\tone; two\n2\tthree, four\n'],
    ['commas.tsv', 'id,text\n1,one; two\n2,"three, four"\n'],
    ['commas.csv', '"a;b;c",text\n1,one; two\n2,"three, four"\n']
  ])('says what stands between fields: %s', async (name, content) => {
    expect((await readSampleFile(file(name, content))).samples).toEqual(['one; two', 'three, four'])
  })

  test('is one list of objects; of several, none is chosen', async () => {
    const lists = { version: 1, numbers: [1, 2, 3], data: [row, row] }
    expect((await readSampleFile(file('one-list.json', JSON.stringify(lists)))).samples).toHaveLength(2)
    await expect(
      readSampleFile(file('splits.json', JSON.stringify({ train: [row], test: [row, row] })))
    ).rejects.toThrow(/splits\.json holds several lists of objects \(train, test\); one a file is needed/)
  })

  // pandas takes the first for c"d" as well; of the others every program makes something else.
  test('may have quotes inside of a field, but no text behind a closing one', async () => {
    const { samples, badRows } = await readSampleFile(
      file('quotes.csv', 'id,text\n1,c"d"\n2,"""e"", f"\n3,"a"b\n4,"e" \n5,"a\\"b"\n')
    )
    expect(samples).toEqual(['c"d"', '"e", f'])
    const reason = 'text stands behind the closing quote of a field'
    expect(badRows).toEqual([3, 4, 5].map((number) => ({ row: number, reason })))
  })

  test.each(['utf16le', 'utf16be'])('may be %s with a byte order mark', async (encoding) => {
    const encoded = (content: string): Buffer => {
      const bytes = Buffer.from(`\ufeff${content}`, 'utf16le')
      return encoding === 'utf16le' ? bytes : bytes.swap16()
    }
    expect((await readSampleFile(file(`${encoding}.txt`, encoded('Où?\r\n鯨 🐋')))).samples).toEqual(['Où?\n鯨 🐋'])
    expect((await readSampleFile(file(`${encoding}.csv`, encoded('text\n鯨 🐋\n')))).samples).toEqual(['鯨 🐋'])
    const { samples } = await readSampleFile(file(`${encoding}.jsonl`, encoded(`${text}\n${text}`)))
    expect(conversations(samples)).toEqual([row.messages, row.messages])
  })

  test('in UTF-32 is refused by name, and so is half a UTF-16 character', async () => {
    await expect(readSampleFile(file('u32.txt', Buffer.from([0xff, 0xfe, 0, 0, 97, 0, 0, 0])))).rejects.toThrow(
      /u32\.txt is encoded in UTF-32; save it as UTF-8/
    )
    await expect(readSampleFile(file('odd.txt', Buffer.from([0xff, 0xfe, 97])))).rejects.toThrow(
      /odd\.txt is not valid UTF-16; /
    )
  })
})

describe('columns beside the turns', () => {
  const tool = { type: 'function', function: { name: 'find', parameters: { type: 'object', properties: {} } } }
  const read = async (rows: readonly unknown[]) =>
    readSampleFile(file('beside.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')))
  const spoken = turns('Where?', 'Below.')
  const system = { role: 'system', content: 'Like a sailor.' }

  test('tools are kept for the template, as a list or as its text', async () => {
    const { samples, shape } = await read([
      { messages: spoken, tools: [tool] },
      { messages: spoken, tools: JSON.stringify([tool]) },
      { messages: spoken, tools: null },
      { messages: spoken }
    ])
    const called = { messages: spoken, tools: [tool] }
    expect(conversations(samples)).toEqual([called, called, spoken, spoken])
    expect(shape).toEqual({ kind: 'messages', messages: 'messages', tools: 'tools' })
  })

  test('that come only in later rows are used there', async () => {
    const { samples } = await read([{ messages: spoken }, { messages: spoken, system: system.content, tools: [tool] }])
    expect(conversations(samples)).toEqual([spoken, { messages: [system, ...spoken], tools: [tool] }])
  })

  test('of ShareGPT: system prompt, calls and what they gave', async () => {
    const { samples } = await read([
      {
        system: system.content,
        tools: JSON.stringify([tool]),
        conversations: [
          { from: 'human', value: 'Where?' },
          { from: 'function_call', value: '{"name": "find", "arguments": {"depth": 20.0}}' },
          { from: 'observation', value: '1' },
          { from: 'gpt', value: 'Below.' }
        ]
      },
      {
        conversations: [
          { role: 'user', content: 'Where?' },
          { role: 'assistant', content: 'Below.' }
        ]
      }
    ])
    expect(samples[0]).toBe(
      `{"messages":[${JSON.stringify(system)},{"role":"user","content":"Where?"},` +
        '{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"find","arguments":{"depth":20.0}}}]},' +
        `{"role":"tool","content":"1"},{"role":"assistant","content":"Below."}],"tools":[${JSON.stringify(tool)}]}`
    )
    expect(JSON.parse(samples[1] as string)).toEqual(spoken)
  })

  test('of Alpaca: system prompt and earlier turns', async () => {
    const row = {
      instruction: 'Where?',
      input: '',
      output: 'Below.',
      system: system.content,
      history: [['Who?', 'Me.']]
    }
    expect(conversations((await read([row])).samples)).toEqual([[system, ...turns('Who?', 'Me.'), ...spoken]])
  })

  test('a system turn that is there already is not put there twice, which is said where they differ', async () => {
    const { samples, notes } = await read([
      { messages: [system, ...spoken], system: 'Other.' },
      { messages: [system, ...spoken], system: system.content }
    ])
    expect(conversations(samples)).toEqual([
      [system, ...spoken],
      [system, ...spoken]
    ])
    expect(notes).toEqual(['rows whose system prompt is left out because their turns begin with another one: 1'])
  })

  test('of tables that hold both forms, with null where the other has its keys', async () => {
    const both = [
      { from: 'human', value: 'Where?', role: null, content: null },
      { from: null, value: null, role: 'assistant', content: 'Below.' }
    ]
    const [turns] = conversations((await read([{ conversations: both }])).samples)
    expect(turns).toMatchObject(spoken)
  })

  test('of Alpaca whose input is no text are named', async () => {
    const { badRows } = await read([
      { instruction: 'Where?', input: null, output: 'Below.' },
      { instruction: 'Where?', input: ['a'], output: 'Below.' }
    ])
    expect(badRows).toEqual([{ row: 2, reason: '"input" is not a string' }])
  })

  test('questions with two answers give the one that was chosen', async () => {
    const [question, answer] = spoken
    const { samples } = await read([
      { prompt: 'Where?', chosen: 'Below.', rejected: 'No.' },
      { prompt: [question], chosen: [answer], rejected: [answer] },
      { prompt: 'Where?', chosen: spoken, rejected: spoken }
    ])
    expect(conversations(samples)).toEqual([spoken, spoken, spoken])
  })

  test('that are not used are named', async () => {
    const { notes } = await read([
      { id: 1, messages: spoken, source: 'a' },
      { messages: spoken, score: 2 }
    ])
    expect(notes).toEqual(['columns that are not used: id, source, score'])
  })

  test('that hold something else leave the row out', async () => {
    const { badRows } = await read([
      { messages: spoken },
      { messages: spoken, tools: 'find()' },
      { messages: spoken, tools: [1] },
      { messages: spoken, system: 3 }
    ])
    expect(badRows).toEqual([
      { row: 2, reason: '"tools" is not a list of objects' },
      { row: 3, reason: '"tools" is not a list of objects' },
      { row: 4, reason: '"system" is not a string' }
    ])
  })
})

describe('the content of a turn', () => {
  const read = async (...rows: readonly unknown[][]) =>
    readSampleFile(file('content.jsonl', rows.map((messages) => JSON.stringify({ messages })).join('\n')))
  const question = { role: 'user', content: 'Where?' }

  test('may be null where tools are called, and a list of parts; numbers and keys stay as they are written', async () => {
    const call =
      '{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"find","arguments":{"depth":20.0,"id":9007199254740993,"2":"b","1":"a"}}}]}'
    const parts = '{"role":"user","content":[{"type":"text","text":"Where?"}]}'
    const path = file('calls.jsonl', `{"messages":[${parts},${call}]}\n`)
    const { samples, badRows, notes } = await readSampleFile(path)
    expect(samples).toEqual([`[${parts},${call}]`])
    expect(badRows).toEqual([])
    expect(notes).toEqual(['turns whose content is a list of parts, which the chat template gets as it is: 1'])
  })

  test('loses images, which is said', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:' } }
    const text = { type: 'text', text: 'Where?' }
    const { samples, badRows, notes } = await read(
      [{ role: 'user', content: [image, text] }, question],
      [{ role: 'user', content: [image] }]
    )
    expect(conversations(samples)).toEqual([[{ role: 'user', content: [text] }, question]])
    expect(badRows).toEqual([{ row: 2, reason: 'turn 1 of "messages" has no text among the parts of its content' }])
    expect(notes).toContain('images, sounds and films that are left out of the turns: 2')
  })

  test.each([
    [{ role: 'assistant', content: null }, 'has null for content, and calls no tools'],
    [{ role: 'assistant' }, 'has no content'],
    [{ role: 'user', content: 5 }, 'has 5 for content; a text or a list of parts is needed'],
    [{ role: 'user', content: [5] }, 'has 5 among the parts of its content'],
    [{ content: 'Where?' }, 'has no role'],
    ['Where?', 'is "Where?", not an object']
  ])('is named where it cannot be used: %j', async (turn, reason) => {
    const { badRows } = await read([question], [question, turn])
    expect(badRows).toEqual([{ row: 2, reason: `turn 2 of "messages" ${reason}` }])
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
