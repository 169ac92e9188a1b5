import { ChatRenderer, variablesOf } from '../../src/engine/calibration/chatRenderer'
import { parseConversation } from '../../src/engine/calibration/conversation'
import { ModelTokenizer } from '../../src/engine/calibration/tokenizer'
import { type JsonValue, parseStrictJson } from '../../src/engine/formats/strictJson'
import { TemplateFault } from '../../src/engine/templates/fault'
import { fromJson } from '../../src/engine/templates/fromJson'
import { Template } from '../../src/engine/templates/template'
import type { Value } from '../../src/engine/templates/values'
import { AppError } from '../../src/shared/errors'

/**
 * A template with its variables, or with a conversation and the tokens of a model; or a model's directory with a
 * conversation. Values and samples are JSON texts, so
 * that numbers and the order of keys arrive as they are written.
 */
interface Request {
  readonly template: string
  readonly directory?: string
  readonly values?: string
  readonly sample?: string
  readonly tokens?: Readonly<Record<string, string>>
  readonly prompt?: boolean
}

const DAY = '2026-11-27'

/** The text, or the sentence that refuses it. */
export async function answer(request: Request): Promise<{ text: string } | { refused: string }> {
  try {
    if (request.directory !== undefined) return { text: await renderedBy(request.directory, request.sample ?? '[]') }
    return { text: new Template(request.template).render(new Map(variables(request)), { day: DAY }) }
  } catch (error) {
    if (error instanceof TemplateFault) return { refused: error.sentence }
    if (error instanceof AppError) return { refused: error.message }
    throw error
  }
}

async function renderedBy(directory: string, sample: string): Promise<string> {
  const renderer = await ChatRenderer.open(directory, await ModelTokenizer.open(directory), DAY)
  return renderer.render(parseConversation(sample, 'here'), 'here')
}

function variables({ values, sample = '[]', tokens = {}, prompt = false }: Request): (readonly [string, Value])[] {
  if (values === undefined)
    return variablesOf(parseConversation(sample, 'here'), new Map(Object.entries(tokens)), prompt)
  return Array.from(parseStrictJson(values) as ReadonlyMap<string, JsonValue>, ([name, value]) => [
    name,
    fromJson(value)
  ])
}
