import { Dict, List, type Value } from '../templates/values'
import type { Conversation } from './conversation'
import { unlessRefused } from './markedTurn'
import { MARK } from './turnMarks'

/*
 * Templates of models that see images too often read what a turn says as a list of parts alone, and write nothing of a text:
 * that of LLaVA selects the parts of type `text`, of which the characters of a text are none. Trainers of such models hand texts
 * over as lists of one part (TRL's prepare_multimodal_messages), and so does Quail.
 */

/** Roles in the order in which they are asked for: the others are asked beside a user's turn. */
const ROLES = ['user', 'assistant', 'system']

const inParts = (text: Value): Value =>
  new List([
    new Dict([
      ['type', 'text'],
      ['text', text]
    ])
  ])

/**
 * The roles of whose turns a template writes parts and no texts.
 *
 * @param render - what the template makes of a conversation
 */
export function rolesInParts(render: (conversation: Conversation) => string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const role of ROLES) {
    const writes = (content: Value): boolean =>
      unlessRefused(() => render({ messages: asked(role, content, found), tools: null, documents: null }))?.includes(
        MARK
      ) === true
    if (!writes(MARK) && writes(inParts(MARK))) found.add(role)
  }
  return found
}

function asked(role: string, content: Value, found: ReadonlySet<string>): Dict[] {
  const turn = turnOf(role, content)
  if (role === 'user') return [turn]
  const question = turnOf('user', found.has('user') ? inParts('.') : '.')
  return role === 'system' ? [turn, question] : [question, turn]
}

const turnOf = (role: string, content: Value): Dict =>
  new Dict([
    ['role', role],
    ['content', content]
  ])

/** The conversation with the texts of these roles as parts. */
export function withParts(conversation: Conversation, roles: ReadonlySet<string>): Conversation {
  if (roles.size === 0) return conversation
  return { ...conversation, messages: conversation.messages.map((message) => turnInParts(message, roles)) }
}

function turnInParts(message: Dict, roles: ReadonlySet<string>): Dict {
  const [role, content] = [message.get('role'), message.get('content')]
  if (typeof role !== 'string' || typeof content !== 'string' || !roles.has(role)) return message
  return new Dict([...message.entries(), ['content', inParts(content)]])
}
