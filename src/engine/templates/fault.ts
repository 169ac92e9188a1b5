/** Why a template cannot be read or rendered: in words that fit behind the template's name, with the line where it stands. */
export class TemplateFault extends Error {
  line: number | undefined
  constructor(message: string, line?: number) {
    super(message)
    this.line = line
  }

  /** `line 12: …`, or the message alone where no line is known. */
  get sentence(): string {
    return this.line === undefined ? this.message : `line ${this.line}: ${this.message}`
  }
}

/** What a template itself says by raise_exception: it refuses what it was given. */
export class RaisedByTemplate extends TemplateFault {}

/** Something that Python's Jinja can do and Quail cannot: refused by name, never rendered in another way. */
export const notHandled = (what: string): TemplateFault =>
  new TemplateFault(`${what} is not handled by Quail; write the template without it`)
