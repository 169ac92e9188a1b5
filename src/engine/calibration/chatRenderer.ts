import { Environment, Interpreter, Template } from '@huggingface/jinja'
import type { CalendarDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import { ChatMessage } from '../../shared/samples'
import { strftime } from '../templates/strftime'
import { readChatTemplates } from './chatTemplate'
import type { Span } from './responseMask'
import type { ModelTokenizer } from './tokenizer'

/** A conversation as text, and the characters of it that a model is to write: its responses. */
export interface RenderedConversation {
  readonly text: string
  readonly responses: readonly Span[]
}

/** Noncharacters of Unicode, which no text holds: they stand around what a template marks as generated. */
const OPEN = '\uFDD0'
const CLOSE = '\uFDD1'
const MARKER = /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g

/**
 * Conversations as a checkpoint's own chat template writes them.
 *
 * The text holds every special token that the model expects, so it is tokenized without adding any: transformers'
 * apply_chat_template does the same, and a second beginning-of-sequence token never appears.
 */
export class ChatRenderer {
  private constructor(
    private readonly template: Template,
    /** The template with its `{% generation %}` blocks set between OPEN and CLOSE; undefined when it has none. */
    private readonly marked: Template | undefined,
    /** Of the template's text. */
    readonly sha256: string,
    /** Whether the text depends on the day on which it is rendered. */
    readonly readsDate: boolean,
    private readonly day: CalendarDay,
    private readonly file: string,
    private readonly tokens: Readonly<Record<string, string>>
  ) {}

  /**
   * The renderer of a checkpoint's default template.
   * @param day - what the template writes as today
   * @throws {AppError} BAD_INPUT when there is none, or it is no template
   */
  static async open(directory: string, { facts }: ModelTokenizer, day: CalendarDay): Promise<ChatRenderer> {
    const [chosen] = await readChatTemplates(directory)
    if (chosen === undefined) {
      throw badInput(
        `${directory} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json), which ` +
          'conversations need: add one, or use a set of plain texts'
      )
    }
    const file = `${directory}/${chosen.file}`
    const tokens = Object.fromEntries(
      (['bos', 'eos', 'pad', 'unknown'] as const).flatMap((name) => {
        const token = facts[name]
        return token === null ? [] : [[name === 'unknown' ? 'unk_token' : `${name}_token`, token.text]]
      })
    )
    try {
      const marked = withMarks(chosen.text)
      const template = new Template(chosen.text)
      return new ChatRenderer(
        template,
        marked === undefined ? undefined : new Template(marked),
        chosen.sha256,
        chosen.readsDate,
        day,
        file,
        tokens
      )
    } catch (error) {
      throw badInput(`${file} is not a chat template that can be used: ${(error as Error).message}`)
    }
  }

  /**
   * One conversation as text.
   * @param where - names the conversation in an error
   * @throws {AppError} BAD_INPUT when the template refuses the conversation
   */
  render(messages: readonly ChatMessage[], where: string): string {
    return this.#run(this.template, messages, false, where)
  }

  /**
   * One conversation as text with the spans of its responses.
   *
   * A template with `{% generation %}` blocks says itself what the model writes. For any other one the span of an
   * assistant's turn begins where the conversation before it ends, rendered with the generation prompt, and ends where
   * the conversation up to it ends: end-of-turn tokens belong to the response, the header of the turn does not.
   *
   * @throws {AppError} BAD_INPUT when the template refuses the conversation, or writes its beginning in another way when
   *   less of it follows, so that the responses cannot be told
   */
  renderWithResponses(messages: readonly ChatMessage[], where: string): RenderedConversation {
    if (this.marked !== undefined) {
      if (messages.some(({ content }) => content.includes(OPEN) || content.includes(CLOSE)))
        throw badInput(`${where}: the conversation holds U+FDD0 or U+FDD1, which are no characters of a text`)
      return readMarks(this.#run(this.marked, messages, false, where))
    }
    const text = this.render(messages, where)
    const responses = messages.flatMap(({ role }, turn) =>
      role === 'assistant' ? [this.#turnSpan(text, messages, turn, where)] : []
    )
    return { text, responses }
  }

  #turnSpan(text: string, messages: readonly ChatMessage[], turn: number, where: string): Span {
    const before = messages.slice(0, turn)
    const begin = before.length === 0 ? '' : this.#run(this.template, before, true, where)
    const end = turn === messages.length - 1 ? text : this.render(messages.slice(0, turn + 1), where)
    if (text.startsWith(begin) && text.startsWith(end)) return { begin: begin.length, end: end.length }
    throw badInput(
      `${where}, turn ${turn + 1}: ${this.file} has no {% generation %} blocks and writes earlier turns in another way ` +
        'when later ones follow, so its responses cannot be told; add the blocks around what the assistant writes'
    )
  }

  #run(template: Template, messages: readonly ChatMessage[], prompt: boolean, where: string): string {
    try {
      const scope = new Environment()
      const values = {
        ...{ false: false, False: false, true: true, True: true, none: null, None: null },
        ...this.tokens,
        ...{ messages, tools: null, documents: null, add_generation_prompt: prompt },
        raise_exception: (message: string) => {
          throw new Error(message)
        },
        range: (...args: number[]) => range(args),
        strftime_now: (format: string) => strftime(format, this.day)
      }
      for (const [name, value] of Object.entries(values)) scope.set(name, value)
      return String(new Interpreter(scope).run(template.parsed).value)
    } catch (error) {
      throw badInput(`${where}: ${this.file} refuses the conversation: ${(error as Error).message}`)
    }
  }
}

function range([first = 0, second, step = 1]: readonly number[]): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step)
}

/** The blocks become calls of a macro: the same white space, and the same scope, as transformers gives them. */
function withMarks(template: string): string | undefined {
  const marked = template.replaceAll(MARKER, (_, left: string, end: string | undefined, right: string) =>
    end === undefined ? `{%${left} call quail_response() ${right}%}` : `{%${left} endcall ${right}%}`
  )
  if (marked === template) return undefined
  // The line break behind the macro is dropped (trim_blocks): the template's first line stays at the start of a line.
  return `{% macro quail_response() %}${OPEN}{{ caller() }}${CLOSE}{% endmacro %}\n${marked}`
}

function readMarks(marked: string): RenderedConversation {
  const responses: Span[] = []
  let text = ''
  let begin = 0
  for (const part of marked.split(/([\uFDD0\uFDD1])/)) {
    if (part === OPEN) begin = text.length
    else if (part === CLOSE) responses.push({ begin, end: text.length })
    else text += part
  }
  return { text, responses }
}

/** The conversation that a sample of kind `messages` holds as JSON. @throws {AppError} BAD_INPUT */
export function parseConversation(sample: string, where: string): ChatMessage[] {
  let value: unknown
  try {
    value = JSON.parse(sample)
  } catch {
    throw badInput(`${where}: not a conversation in JSON`)
  }
  const parsed = ChatMessage.array().min(1).safeParse(value)
  if (parsed.success) return parsed.data
  throw badInput(`${where}: a list of turns with role and content is needed`)
}
