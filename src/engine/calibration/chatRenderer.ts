import type { CalendarDay } from '../../shared/calendarDay'
import { noChatTemplate } from '../../shared/chatTemplateFiles'
import { badInput } from '../../shared/errors'
import { RaisedByTemplate, TemplateFault } from '../templates/fault'
import { Template } from '../templates/template'
import { Dict, List, type Value } from '../templates/values'
import { type ChatTemplates, readRenderingTemplates } from './chatTemplate'
import { ContentForms } from './contentParts'
import type { Conversation } from './conversation'
import { spanOfMarkedTurn, unlessRefused } from './markedTurn'
import { RefusedConversation } from './refusedSamples'
import type { Span } from './responseMask'
import type { ModelTokenizer } from './tokenizer'
import { MARK } from './turnMarks'
import { mayEndWithPrompt, unaskedPrompt } from './unaskedPrompt'

/** A conversation as text, and the characters of it that a model is to write: its responses. */
export interface RenderedConversation {
  readonly text: string
  readonly responses: readonly Span[]
}

/** Noncharacters of Unicode, which no text holds: they stand around what a template marks as generated. */
const OPEN = '\uFDD0'
const CLOSE = '\uFDD1'

/**
 * Conversations as a checkpoint's own chat template writes them.
 *
 * The text holds every special token that the model expects, so it is tokenized without adding any: transformers'
 * apply_chat_template does the same, and a second beginning-of-sequence token never appears.
 */
export class ChatRenderer {
  readonly #templates: ReadonlyMap<string, Template>
  readonly #forms = new Map<Template, ContentForms>()

  private constructor(
    private readonly source: ChatTemplates,
    /** What a template writes as today. */
    private readonly day: CalendarDay,
    private readonly directory: string,
    private readonly tokens: ReadonlyMap<string, string>
  ) {
    this.#templates = new Map(
      [source.main, source.withTools].map(({ file, text }) => [text, opened(`${directory}/${file}`, text)])
    )
  }

  /**
   * The renderer of a checkpoint's default template, and of the one for conversations with tools.
   * @param day - what the template writes as today
   * @throws {AppError} BAD_INPUT when there is none, or it is no template
   */
  static async open(directory: string, { roles }: ModelTokenizer, day: CalendarDay): Promise<ChatRenderer> {
    const source = await readRenderingTemplates(directory)
    if (source === undefined) {
      throw badInput(noChatTemplate(directory, 'conversations'))
    }
    return new ChatRenderer(source, day, directory, roles)
  }

  /** Of the templates' texts. */
  get sha256(): string {
    return this.source.sha256
  }

  /** Whether the text depends on the day on which it is rendered. */
  get readsDate(): boolean {
    return this.source.readsDate
  }

  /**
   * One conversation as text.
   * @param where - names the conversation in an error
   * @throws {RefusedConversation} when the template refuses the conversation
   * @throws {AppError} BAD_INPUT when it fails over it, or needs something that is not handled
   */
  render(conversation: Conversation, where: string): string {
    this.#formsOf(this.#template(conversation)).ask(conversation)
    return this.#run(conversation, { where })
  }

  /**
   * One conversation as text with the spans of its responses.
   *
   * A template with `{% generation %}` blocks says itself what the model writes. For any other one the span of an
   * assistant's turn begins where the conversation before it ends, rendered with the generation prompt, and ends where
   * the conversation up to it ends: end-of-turn tokens belong to the response, the header of the turn does not, nor that of a
   * next answer which a template writes unasked (unaskedPrompt.ts). Where these are no beginnings of the whole text, the span
   * is found by a mark in the place of what the turn says (markedTurn.ts).
   *
   * @throws {RefusedConversation} when the template refuses the conversation, or writes its beginning in another way when less of
   *   it follows, so that the responses cannot be told
   * @throws {AppError} BAD_INPUT when it fails over it, or needs something that is not handled
   */
  renderWithResponses(conversation: Conversation, where: string): RenderedConversation {
    const text = this.render(conversation, where)
    if (this.#template(conversation).marksGeneration) {
      if (text.includes(OPEN) || text.includes(CLOSE))
        throw badInput(`${where}: the conversation holds U+FDD0 or U+FDD1, which are no characters of a text`)
      return readMarks(this.#run(conversation, { where, marks: [OPEN, CLOSE] }))
    }
    const responses = conversation.messages.flatMap((message, turn) =>
      message.get('role') === 'assistant' ? [this.#turnSpan(text, conversation, turn, where)] : []
    )
    return { text, responses }
  }

  #turnSpan(text: string, conversation: Conversation, turn: number, where: string): Span {
    const { messages } = conversation
    const upTo = (count: number): Conversation => ({ ...conversation, messages: messages.slice(0, count) })
    const begin = turn === 0 ? '' : this.#run(upTo(turn), { where, prompt: true })
    const ended = turn === messages.length - 1 ? text : this.#run(upTo(turn + 1), { where })
    const end = this.#withoutPrompt(ended, { begin, where, turns: upTo(turn), answered: upTo(turn + 1) })
    if (text.startsWith(begin) && text.startsWith(end)) return { begin: begin.length, end: end.length }
    const span = spanOfMarkedTurn((part, prompt) => this.#run(part, { where, prompt }), conversation, turn, text)
    if (span !== undefined) return span
    throw new RefusedConversation(
      `${where}, turn ${turn + 1}: ${this.#file(conversation)} has no {% generation %} blocks and writes earlier turns ` +
        'in another way when later ones follow, so its responses cannot be told; add the blocks around what the ' +
        'assistant writes'
    )
  }

  /** What is written up to an answer, without a generation prompt that nobody asked for. */
  #withoutPrompt(ended: string, { begin, where, turns, answered }: UpToAnswer): string {
    if (!mayEndWithPrompt(ended, begin) || this.#run(turns, { where }) !== begin) return ended
    const question = new Dict([
      ['role', 'user'],
      ['content', MARK]
    ])
    const goesOn = unlessRefused(() =>
      this.#run({ ...answered, messages: [...answered.messages, question] }, { where })
    )
    const cut = goesOn === undefined ? undefined : unaskedPrompt(ended, goesOn, begin)
    return cut === undefined || cut < begin.length ? ended : ended.slice(0, cut)
  }

  #run(conversation: Conversation, { where, prompt = false, marks }: RunOptions): string {
    const template = this.#template(conversation)
    return this.#written(template, this.#formsOf(template).formed(conversation), { where, prompt, marks })
  }

  #formsOf(template: Template): ContentForms {
    const forms =
      this.#forms.get(template) ?? new ContentForms((asked) => this.#written(template, asked, { where: '' }))
    this.#forms.set(template, forms)
    return forms
  }

  #written(template: Template, conversation: Conversation, { where, prompt = false, marks }: RunOptions): string {
    const variables = new Map(variablesOf(conversation, this.tokens, prompt))
    try {
      return template.render(variables, { day: this.day, marks })
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error
      const why = `${where}: ${this.#file(conversation)} refuses the conversation: ${error.sentence}`
      throw error instanceof RaisedByTemplate ? new RefusedConversation(why) : badInput(why)
    }
  }

  #chosen({ tools }: Conversation): ChatTemplates['main'] {
    return tools === null ? this.source.main : this.source.withTools
  }

  #template(conversation: Conversation): Template {
    return this.#templates.get(this.#chosen(conversation).text) as Template
  }

  #file(conversation: Conversation): string {
    return `${this.directory}/${this.#chosen(conversation).file}`
  }
}

/** What apply_chat_template hands to a template. @param prompt - adds the beginning of the assistant's next turn */
export const variablesOf = (
  { messages, tools, documents }: Conversation,
  tokens: ReadonlyMap<string, string>,
  prompt: boolean
): [string, Value][] => [
  ...tokens,
  ['messages', new List(messages)],
  ['tools', tools],
  ['documents', documents],
  ['add_generation_prompt', prompt]
]

interface UpToAnswer {
  /** What is written before the answer, with the generation prompt. */
  readonly begin: string
  readonly where: string
  /** The turns before the answer, and with it. */
  readonly turns: Conversation
  readonly answered: Conversation
}

interface RunOptions {
  readonly where: string
  /** Adds the beginning of the assistant's next turn. */
  readonly prompt?: boolean
  readonly marks?: readonly [string, string] | undefined
}

function opened(file: string, text: string): Template {
  try {
    return new Template(text)
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    throw badInput(`${file} is not a chat template that can be used: ${error.sentence}`)
  }
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
