import type { Engine } from '../engine/worker/pool'
import { badInput } from '../shared/errors'
import type { ResolvedText } from '../shared/runFolder'

/**
 * Notes with conversations the template of the model that will render them, so that a resumed run uses the same one.
 *
 * @throws {AppError} BAD_INPUT when there are conversations and the model has no template
 */
export async function withChatTemplate(
  engine: Engine,
  model: string,
  texts: readonly ResolvedText[]
): Promise<ResolvedText[]> {
  const chat = texts.find(({ kind }) => kind === 'messages')
  if (chat === undefined) return [...texts]
  const template = await engine.call('chatTemplate', { model })
  if (template === null) {
    throw badInput(
      `${model} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json), which the ` +
        `conversations of ${chat.name} need: add one, or use a set of plain texts`
    )
  }
  return texts.map((text) => (text.kind === 'messages' ? { ...text, chatTemplateSha256: template.sha256 } : text))
}
