import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { badInput } from '../../shared/errors'

/*
 * Files that people have texts in and that are not read: what to make of them is said, by what they begin with.
 */

interface ForeignKind {
  /** Bytes at the beginning of every such file. */
  readonly begins: Buffer
  /** Where other files begin so, too: the endings of these, with the dot, in lower case. */
  readonly endings?: readonly string[]
  /** The rest of the sentence: `it is …`. */
  readonly is: string
}

const WORKBOOK = 'a workbook; save its sheet as CSV'
const DOCUMENT = 'a document; save it as plain text'
const ARROW =
  "a table of Arrow; write it as Parquet (in Python: Dataset.to_parquet of datasets, or pyarrow's write_table)"
const ZIP = Buffer.from('PK\x03\x04')
const OLE = Buffer.from('d0cf11e0', 'hex')

const KINDS: readonly ForeignKind[] = [
  { begins: Buffer.from('%PDF-'), is: 'a PDF; save its text as plain text' },
  { begins: Buffer.from('{\\rtf'), is: DOCUMENT },
  { begins: ZIP, endings: ['.xlsx', '.xlsm', '.ods'], is: WORKBOOK },
  { begins: OLE, endings: ['.xls'], is: WORKBOOK },
  { begins: ZIP, endings: ['.docx', '.odt', '.epub'], is: DOCUMENT },
  { begins: OLE, endings: ['.doc'], is: DOCUMENT },
  { begins: Buffer.from('ARROW1'), is: ARROW },
  // A stream, as datasets.save_to_disk writes it.
  { begins: Buffer.from('ffffffff', 'hex'), endings: ['.arrow'], is: ARROW },
  { begins: Buffer.from('FEA1'), is: ARROW },
  { begins: Buffer.from('SQLite format 3\0'), is: 'a database; write the texts as CSV or JSON lines' }
]
const LONGEST = Math.max(...KINDS.map(({ begins }) => begins.length))

/** @throws {AppError} BAD_INPUT for a workbook, a document, or a table of another kind than those that are read */
export async function refuseForeignFile(path: string): Promise<void> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST), 0, LONGEST, 0)
    const head = buffer.subarray(0, bytesRead)
    const ending = extname(path).toLowerCase()
    const kind = KINDS.find(
      ({ begins, endings }) => head.subarray(0, begins.length).equals(begins) && (endings?.includes(ending) ?? true)
    )
    if (kind !== undefined) throw badInput(`${path} is ${kind.is}`)
  } finally {
    await file.close()
  }
}
