import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { renderPairs, renderTable } from '../../../src/cli/output/table'
import { createTerminal } from '../../../src/cli/output/terminal'
import { ModelTokenizer } from '../../../src/engine/calibration/tokenizer'
import { fillSnippets } from '../../../src/services/export/snippets'
import { markdownText, quotedText, shellWord, visible } from '../../../src/shared/quoting'

const folder = mkdtempSync(join(tmpdir(), 'quail-quoting-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Each ends a string, a command, a line or a cell of something, or moves a cursor. */
const HOSTILE = [
  'a\x1b[2J\x1b]0;pwn\x07b',
  'x"); import os; os.system("touch /tmp/quail-pwned") #',
  "it's $(touch /tmp/quail-pwned) `id` !! & ; | > < * ? ~ {a,b}",
  '\\" \\\' \\$ \\n',
  'line\nbreak: [yes]\r\n- no',
  '# {{model}} %s $HOME',
  '-rf',
  '<img src=x onerror=alert(1)>|cell|`code`',
  '[text](javascript:alert(1)) **bold** _italic_ $x$',
  'right \u202e to left, \u2028 and \u0085, \x7f and \u009b31m',
  'ключ naïve 🐦\u200d🔥 \ufffd'
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
const OBEYED = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

describe.each(HOSTILE)('the name %j', (name) => {
  it('reaches the terminal as one line that is only seen', () => {
    const written: string[] = []
    const stream = { isTTY: true, columns: 80, write: (text: string | Uint8Array) => written.push(String(text)) > 0 }
    const terminal = createTerminal(stream, stream, { NO_COLOR: '1' })
    terminal.print(`name ${name}`)
    terminal.note(name)
    for (const line of written) expect(line.slice(0, -1)).not.toMatch(OBEYED)
    written.length = 0
    terminal.draw(name)
    expect(written.join('').replace('\r\x1b[K', '')).not.toMatch(OBEYED)
    const [head = '', , row = ''] = renderTable([{ title: 'name' }, { title: 'b' }], [[name, 'B']])
    expect([...head].indexOf('b')).toBe([...row].length - 1)
    expect([row, ...renderPairs([[name, name]])].join('')).not.toMatch(OBEYED)
  })

  it('is the same text in YAML and JSON', () => {
    expect(quotedText(name)).not.toMatch(OBEYED)
    expect(JSON.parse(quotedText(name))).toBe(name)
    expect(parse(`a: ${quotedText(name)}\nb: [${quotedText(name)},1]`)).toEqual({ a: name, b: [name, 1] })
  })

  it('is one word of a shell', () => {
    const shown = execFileSync('bash', ['-c', `printf '<%s>' ${shellWord(name)}`], { encoding: 'utf8' })
    expect(shown).toBe(name === '-rf' ? '<./-rf>' : `<${name}>`)
    expect(shellWord(name)).not.toMatch(OBEYED)
  })

  it('stands in a line of Markdown as text', () => {
    const text = markdownText(name)
    expect(text).not.toMatch(OBEYED)
    expect(text).not.toMatch(/(?<!\\)(?:\\\\)*[`*<>[\]|&~$]/)
    expect(text.replaceAll(/\\([\\`*<>[\]|&~$_])/g, '$1')).toBe(visible(name))
  })
})

/** The texts that stand in quotes in each of these Python programs. */
function stringsOf(programs: readonly string[]): string[][] {
  const reader =
    'import ast,sys,json; print(json.dumps([[n.value for n in ast.walk(ast.parse(p)) if isinstance(n, ast.Constant) ' +
    'and isinstance(n.value, str)] for p in json.load(sys.stdin)]))'
  return JSON.parse(execFileSync('python3', ['-c', reader], { input: JSON.stringify(programs), encoding: 'utf8' }))
}

it('every name is the same text in Python', () => {
  expect(stringsOf([`[${HOSTILE.map(quotedText).join(', ')}]`])).toEqual([HOSTILE])
})

it('every name stays a string in every snippet for trainers', async () => {
  const values = { quantizer: { format: 'nf4', blockSize: 64, doubleQuant: true } as const, dtype: 'BF16', rank: 8 }
  const more = { alpha: 16, rslora: false, targetModules: ['q_proj'], loader: 'AutoModelForCausalLM' }
  const programs: { name: string; text: string }[] = []
  for (const name of HOSTILE)
    for (const { language, text } of await fillSnippets('resources', {
      model: name,
      adapter: name,
      ...values,
      ...more
    })) {
      if (language === 'yaml') expect(Object.values(parse(text) as object)).toContain(name)
      else programs.push({ name, text })
    }
  const strings = stringsOf(programs.map(({ text }) => text))
  expect(strings.length).toBe(3 * HOSTILE.length)
  for (const [i, { name }] of programs.entries()) expect(strings[i]).toContain(name)
})

it('every folder without tokenizer.json gives a command that Python reads as that folder', async () => {
  const directories = HOSTILE.filter((name) => !name.includes('/')).map((name) => join(folder, name))
  const codes: string[] = []
  for (const directory of directories) {
    mkdirSync(directory)
    writeFileSync(join(directory, 'tokenizer.model'), '')
    const message = await ModelTokenizer.open(directory).catch((error: Error) => error.message)
    const command = /transformers: python -c (.+) \(a SentencePiece/s.exec(String(message))?.[1]
    codes.push(execFileSync('bash', ['-c', `printf '%s' ${command}`], { encoding: 'utf8' }))
  }
  expect(stringsOf(codes)).toEqual(directories.map((directory) => [directory, directory]))
})
