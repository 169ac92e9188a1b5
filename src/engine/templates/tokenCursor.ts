import { TemplateFault } from './fault'
import type { Token, TokenType } from './lexer'

/** Where in the tokens of a template the parser stands. */
export class TokenCursor {
  protected at = 0

  constructor(protected readonly tokens: readonly Token[]) {}

  protected get now(): Token {
    return this.tokens[this.at] as Token
  }

  protected is(type: TokenType, text: string): boolean {
    return this.now.type === type && this.now.text === text
  }

  protected accept(type: TokenType, text: string): boolean {
    if (!this.is(type, text)) return false
    this.at++
    return true
  }

  protected name(): string {
    return this.expect('name').text
  }

  protected keyword(text: string): void {
    if (!this.accept('name', text)) this.fail(`${shown(this.now)} stands where ${text} was expected`)
  }

  protected operator(text: string): void {
    if (!this.accept('operator', text)) this.fail(`${shown(this.now)} stands where ${text} was expected`)
  }

  protected expect(type: TokenType): Token {
    const token = this.now
    if (token.type !== type) this.fail(`${shown(token)} stands where ${EXPECTED[type] ?? type} was expected`)
    this.at++
    return token
  }

  /** @param back - 0 for the token that is next, -1 for the one before it */
  protected fail(message: string, back = 0): never {
    throw new TemplateFault(message, this.tokens[this.at + back]?.line)
  }
}

const EXPECTED: Partial<Record<TokenType, string>> = { name: 'a name', block_end: '%}', variable_end: '}}' }

/** A token as an error names it. */
export function shown({ type, text }: Token): string {
  if (type === 'end') return 'the end of the template'
  return text === '' ? (EXPECTED[type] ?? type) : JSON.stringify(text)
}
