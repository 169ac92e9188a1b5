import { Dict, List, type Value } from '../templates/values'
import type { Conversation } from './conversation'
import { unlessRefused } from './markedTurn'

/*
 * Templates of models that see images too often read what a turn says as a list of parts alone, and write nothing of a text:
 * that of LLaVA selects the parts of type `text`, of which the characters of a text are none. Trainers of such models hand texts
 * over as lists of one part (TRL's prepare_multimodal_messages), and so does Quail.
 */

/** Noncharacters of Unicode: more than one, since a template may write the first item of a list. */
const MARK = '\uFDD2\uFDD3'

/** What a template reads of turns of each role, as far as it is known. */
export class ContentForms {
  readonly #known = new Map<string, 'text' | 'parts'>()

  /** @param render - what the template makes of a conversation */
  constructor(private readonly render: (conversation: Conversation) => string) {}

  /**
   * Asks what the template reads of the roles of a conversation: within that conversation, since it may refuse another, and
   * with all other turns as parts too, since it may fail over texts. What a conversation does not tell, a later one may.
   */
  ask(conversation: Conversation): void {
    const roles = new Set(conversation.messages.filter(saysText).map(roleOf))
    for (const role of roles) {
      if (this.#known.has(role)) continue
      const beside = [this.#inParts(), new Set([...roles, ...this.#inParts()])]
      const form = (['text', 'parts'] as const).find((one) =>
        beside.some((set) => this.#writes(conversation, role, one, set))
      )
      if (form !== undefined) this.#known.set(role, form)
    }
  }

  /** The conversation with texts as lists of a part where the template writes nothing else of their roles. */
  formed(conversation: Conversation): Conversation {
    return withParts(conversation, this.#inParts())
  }

  #inParts(): ReadonlySet<string> {
    return new Set(Array.from(this.#known).flatMap(([role, form]) => (form === 'parts' ? [role] : [])))
  }

  #writes(conversation: Conversation, role: string, form: 'text' | 'parts', beside: ReadonlySet<string>): boolean {
    const others = new Set(beside)
    if (form === 'parts') others.add(role)
    else others.delete(role)
    const messages = conversation.messages.map((message) =>
      saysText(message) && roleOf(message) === role ? said(message, MARK) : message
    )
    return unlessRefused(() => this.render(withParts({ ...conversation, messages }, others)))?.includes(MARK) === true
  }
}

const roleOf = (message: Dict): string => String(message.get('role'))

const saysText = (message: Dict): boolean => typeof message.get('content') === 'string'

const said = (message: Dict, content: Value): Dict => new Dict([...message.entries(), ['content', content]])

function withParts(conversation: Conversation, roles: ReadonlySet<string>): Conversation {
  if (roles.size === 0) return conversation
  return {
    ...conversation,
    messages: conversation.messages.map((message) =>
      saysText(message) && roles.has(roleOf(message))
        ? said(message, inParts(message.get('content') as Value))
        : message
    )
  }
}

const inParts = (text: Value): Value =>
  new List([
    new Dict([
      ['type', 'text'],
      ['text', text]
    ])
  ])
