import { SPACE } from './characters'
import { TemplateFault } from './fault'

/*
 * Jinja's lexer with the settings of transformers: trim_blocks, lstrip_blocks, no line statements, and one line feed at
 * the end dropped.
 */

export type TokenType =
  | 'data'
  | 'variable_begin'
  | 'variable_end'
  | 'block_begin'
  | 'block_end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end'

export interface Token {
  readonly type: TokenType
  readonly text: string
  readonly line: number
}

const sticky = (source: string, flags = ''): RegExp => new RegExp(source, `y${flags}`)

const WHITESPACE = sticky(`[${SPACE}]+`)
const FLOAT = sticky('(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?e[+\\-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)', 'i')
const INTEGER = sticky('0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\\da-f])+|[1-9](?:_?\\d)*|0(?:_?0)*', 'i')
const NAME = sticky('[\\p{XID_Continue}]+', 'u')
const STRING = sticky(`'(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*"`, 's')
const OPERATOR = sticky('\\/\\/|\\*\\*|[=!<>]=|[-+/*%~\\[\\](){}<>=.:|,;]')

const BLOCK_END = sticky(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`)
const VARIABLE_END = sticky(`-\\}\\}[${SPACE}]*|\\}\\}`)
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, 'g')
const RAW_BEGIN = sticky(`\\{%[-+]?[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`)
const RAW_END = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, 'g')
const BLANK = new RegExp(`^[${SPACE}]+$`)
const TRAILING_SPACE = new RegExp(`[${SPACE}]+$`)
const IDENTIFIER = /^[\p{XID_Start}_]\p{XID_Continue}*$/u

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' }

/** The tokens of a template; the last is `end`. @throws {TemplateFault} with the line */
export function tokenize(template: string): Token[] {
  return new Lexer(template.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '')).tokens()
}

class Lexer {
  readonly #tokens: Token[] = []
  #at = 0
  #line = 1
  /** Whether what was read last ends in a line feed: what follows may be indentation. */
  #lineStarts = true

  constructor(private readonly source: string) {}

  tokens(): Token[] {
    while (this.#at < this.source.length) this.#root()
    this.#push('end', '')
    return this.#tokens
  }

  /** Text up to the next tag, and the tag. */
  #root(): void {
    const { source } = this
    const open = /\{[%{#]/g
    open.lastIndex = this.#at
    const tag = open.exec(source)
    if (tag === null) {
      this.#data(source.slice(this.#at))
      this.#at = source.length
      return
    }
    RAW_BEGIN.lastIndex = tag.index
    const raw = RAW_BEGIN.exec(source)
    const sign = /[-+]/.exec(source[tag.index + 2] ?? '')?.[0] ?? ''
    this.#stripped(source.slice(this.#at, tag.index), sign, tag[0] !== '{{')
    if (raw !== null) {
      this.#raw(tag.index, raw[0])
      return
    }
    this.#moveTo(tag.index, tag.index + 2 + sign.length)
    if (tag[0] === '{#') this.#comment()
    else this.#tag(tag[0] === '{{' ? 'variable' : 'block')
  }

  #tag(kind: 'block' | 'variable'): void {
    this.#push(`${kind}_begin`, '')
    this.#expression(kind)
  }

  #raw(begin: number, opening: string): void {
    this.#moveTo(begin, begin + opening.length)
    RAW_END.lastIndex = this.#at
    const end = RAW_END.exec(this.source)
    if (end === null) throw new TemplateFault('{% raw %} is not closed', this.#line)
    this.#stripped(this.source.slice(this.#at, end.index), end[1] as string, true)
    this.#moveTo(end.index, end.index + end[0].length)
  }

  #comment(): void {
    COMMENT_END.lastIndex = this.#at
    const end = COMMENT_END.exec(this.source)
    if (end === null) throw new TemplateFault('a comment is not closed', this.#line)
    this.#moveTo(this.#at, end.index + end[0].length)
  }

  /** Text before a tag, without what `-` or lstrip_blocks take from its end. */
  #stripped(text: string, sign: string, isBlock: boolean): void {
    let kept = text
    if (sign === '-') kept = text.replace(TRAILING_SPACE, '')
    else if (sign !== '+' && isBlock) {
      const from = text.lastIndexOf('\n') + 1
      if ((from > 0 || this.#lineStarts) && BLANK.test(text.slice(from))) kept = text.slice(0, from)
    }
    this.#data(kept)
    this.#line += text.split('\n').length - kept.split('\n').length
  }

  #data(text: string): void {
    if (text !== '') this.#push('data', text)
    this.#line += text.split('\n').length - 1
  }

  /** Goes on behind a tag; lines within it are counted. */
  #moveTo(from: number, to: number): void {
    const passed = this.source.slice(from, to)
    this.#line += passed.split('\n').length - 1
    this.#lineStarts = passed.endsWith('\n')
    this.#at = to
  }

  #push(type: TokenType, text: string): void {
    this.#tokens.push({ type, text, line: this.#line })
  }

  /** Everything between the opening of a tag and its end. */
  #expression(kind: 'block' | 'variable'): void {
    const open: string[] = []
    const end = kind === 'block' ? BLOCK_END : VARIABLE_END
    for (;;) {
      const closing = open.length === 0 ? this.#match(end) : undefined
      if (closing !== undefined) {
        this.#push(`${kind}_end`, '')
        this.#moveTo(this.#at, this.#at + closing.length)
        return
      }
      this.#token(open)
    }
  }

  #token(open: string[]): void {
    const take = (type: TokenType | undefined, pattern: RegExp): string | undefined => {
      const text = this.#match(pattern)
      if (text === undefined) return undefined
      if (type !== undefined) this.#push(type, type === 'string' ? unescaped(text.slice(1, -1), this.#line) : text)
      this.#moveTo(this.#at, this.#at + text.length)
      return text
    }
    if (take(undefined, WHITESPACE) ?? take('float', FLOAT) ?? take('integer', INTEGER)) return
    const name = take('name', NAME)
    if (name !== undefined) {
      if (!IDENTIFIER.test(name)) throw new TemplateFault(`${name} is no name`, this.#line)
      return
    }
    if (take('string', STRING) !== undefined) return
    const operator = take('operator', OPERATOR)
    if (operator === undefined) {
      if (this.#at >= this.source.length) throw new TemplateFault('the template ends within a tag', this.#line)
      throw new TemplateFault(`${JSON.stringify(this.source[this.#at])} was not expected`, this.#line)
    }
    if (CLOSING[operator] !== undefined) open.push(CLOSING[operator])
    else if ('})]'.includes(operator) && open.pop() !== operator)
      throw new TemplateFault(`${JSON.stringify(operator)} was not expected`, this.#line)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.source)?.[0]
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '\n': '' }
}

/** A string literal as Python's unicode-escape codec reads it; an escape that it does not know stays as it is. */
function unescaped(text: string, line: number): string {
  const escapes = /\\(?:([0-7]{1,3})|x([\da-fA-F]{0,2})|u([\da-fA-F]{0,4})|U([\da-fA-F]{0,8})|(.))/gs
  return text.replaceAll(escapes, (whole, octal?: string, x?: string, u?: string, big?: string, other?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    const hex = x ?? u ?? big
    if (hex !== undefined) {
      const code = Number.parseInt(hex, 16)
      const size = { x: 2, u: 4, U: 8 }[whole[1] as string]
      if (hex.length !== size || code > 0x10ffff) throw new TemplateFault(`${whole} is no character`, line)
      return String.fromCodePoint(code)
    }
    if (other === 'N') throw new TemplateFault('\\N{…} is not handled by Quail; write the character itself', line)
    return ESCAPES[other as string] ?? whole
  })
}
