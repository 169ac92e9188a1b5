import { Template } from '@huggingface/jinja'
import { badInput } from '../../shared/errors'
import { ChatMessage } from '../../shared/samples'
import { readChatTemplates } from './chatTemplate'
import type { ModelTokenizer } from './tokenizer'

/**
 * Conversations as a checkpoint's own chat template writes them.
 *
 * The text holds every special token that the model expects, so it is tokenized without adding any: transformers'
 * apply_chat_template does the same, and a second beginning-of-sequence token never appears.
 */
export class ChatRenderer {
  private constructor(
    private readonly template: Template,
    /** Of the template's text. */
    readonly sha256: string,
    private readonly file: string,
    private readonly tokens: Readonly<Record<string, string>>
  ) {}

  /**
   * The renderer of a checkpoint's default template.
   * @throws {AppError} BAD_INPUT when there is none, or it is no template
   */
  static async open(directory: string, { facts }: ModelTokenizer): Promise<ChatRenderer> {
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
      return new ChatRenderer(new Template(chosen.text), chosen.sha256, file, tokens)
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
    try {
      return this.template.render({ ...this.tokens, messages, add_generation_prompt: false })
    } catch (error) {
      throw badInput(`${where}: ${this.file} refuses the conversation: ${(error as Error).message}`)
    }
  }
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
