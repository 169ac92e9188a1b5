import type { Engine } from '../engine/worker/pool'
import { localDay } from '../shared/calendarDay'
import { noChatTemplate } from '../shared/chatTemplateFiles'
import { badInput } from '../shared/errors'
import type { Recipe } from '../shared/recipe'
import type { ResolvedText } from '../shared/runFolder'
import type { RunTexts } from './runTexts'

/** A recipe and its texts, with what of the model's chat template decides the tokens of conversations. */
interface Templated extends RunTexts {
  readonly recipe: Recipe
}

/**
 * Notes what renders the conversations among the texts, so that a resumed run renders them alike: with the texts the
 * template's SHA-256, and in the recipe the day that the template writes as today, which a template that writes none
 * does not need.
 *
 * @throws {AppError} BAD_INPUT when there are conversations and the model has no template
 */
export async function withChatTemplate(
  engine: Engine,
  { templateDate, ...recipe }: Recipe,
  { calibration, evaluation }: RunTexts
): Promise<Templated> {
  const chat = [...calibration, ...evaluation].find(({ kind }) => kind === 'messages')
  if (chat === undefined) return { recipe, calibration, evaluation }
  const { model } = recipe
  const template = await engine.call('chatTemplate', { model })
  if (template === null) {
    throw badInput(noChatTemplate(model, `the conversations of ${chat.name}`))
  }
  const noted = (texts: readonly ResolvedText[]): ResolvedText[] =>
    texts.map((text) => (text.kind === 'messages' ? { ...text, chatTemplateSha256: template.sha256 } : text))
  return {
    recipe: template.readsDate ? { ...recipe, templateDate: templateDate ?? localDay(Date.now()) } : recipe,
    calibration: noted(calibration),
    evaluation: noted(evaluation)
  }
}
