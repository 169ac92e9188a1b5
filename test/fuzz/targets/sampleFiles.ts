import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { listElements } from '../../../src/services/samples/json'
import { readSampleFile } from '../../../src/services/samples/readSamples'
import type { FuzzTarget } from '../fuzzTarget'
import { mutateBytes } from '../mutateBytes'
import { mutateText } from '../mutateText'
import { pick, type Random } from '../random'
import { fixture } from '../sources'

/** Files of samples under one name, each of which the import reads. */
const target = (name: string, file: string, inputs: number, make: (random: Random) => Buffer): FuzzTarget => ({
  name,
  inputs,
  make: (random) => ({ [file]: make(random) }),
  read: (directory) => readSampleFile(join(directory, file))
})

const PARQUET = ['chat.parquet', 'exact.parquet', 'typed.parquet'].map((name) => fixture('samples', name))

/** The end of a Parquet file says what is in it: half of the changes are there. */
function mutateParquet(bytes: Buffer, random: Random): Buffer {
  if (random(2) === 0) return mutateBytes(bytes, random)
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  return Buffer.concat([bytes.subarray(0, footer), mutateBytes(bytes.subarray(footer), random)])
}

const readParquet = target('parquet', 'a.parquet', 500, (random) => mutateParquet(pick(random, PARQUET), random))

/** Of columns that fail together the library reports one and lets the others fall; in its thread they end nothing. */
export const parquet: FuzzTarget = {
  ...readParquet,
  read: async (directory) => {
    const listeners = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[]
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', () => {})
    try {
      return await readParquet.read(directory)
    } finally {
      await new Promise((resolve) => setImmediate(resolve))
      process.removeAllListeners('unhandledRejection')
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
  }
}

const ROWS = [
  { text: 'Call me Ishmael.', n: 1.5e3 },
  {
    messages: [
      { role: 'user', content: 'Hi\u2028 \ud83d\ude00' },
      { role: 'assistant', content: 'Hello' }
    ]
  },
  { prompt: 'one', completion: 'two', tools: [{ name: 'f', parameters: {} }] }
]
const LINES = ROWS.map((row) => JSON.stringify(row)).join('\n')

export const jsonSamples = target('jsonSamples', 'a.json', 1000, (random) =>
  mutateText(pick(random, [LINES, JSON.stringify(ROWS), JSON.stringify({ data: [ROWS[0], ROWS[0]] })]), random)
)

export const jsonLines = target('jsonLines', 'a.jsonl', 1000, (random) => mutateText(`${LINES}\r\n${LINES}\n`, random))

/** As a list is read that is too large to be parsed whole. */
export const jsonList: FuzzTarget = {
  ...target('jsonList', 'a.json', 200, (random) => mutateText(JSON.stringify(ROWS), random)),
  read: async (directory) => {
    for await (const _ of listElements(join(directory, 'a.json'), {}));
  }
}

export const packedLines = target('packedLines', 'a.jsonl.gz', 200, (random) =>
  mutateBytes(gzipSync(`${LINES}\n`), random)
)

const CSV = 'id,text,"a ""quoted"" name"\n1,"two\nlines",x\n2,"a, b",\n3,plain,"y"\n'
const tables = (comma: string): string[] =>
  ['\n', '\r\n'].map((end) => CSV.replaceAll(',', comma).replaceAll('\n', end))

export const csv = target('csv', 'a.csv', 1000, (random) => mutate(pick(random, tables(',')), random))
export const tsv = target('tsv', 'a.tsv', 500, (random) => mutate(pick(random, tables('\t')), random))
export const plainText = target('plainText', 'a.txt', 1000, (random) =>
  mutate('One.\r\n\r\nTwo \u00e9.\n \nThree.', random)
)

const mutate = (text: string, random: Random): Buffer =>
  random(2) === 0 ? mutateText(text, random) : mutateBytes(Buffer.from(text), random)
