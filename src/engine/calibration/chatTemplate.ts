import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TEMPLATE_FILE, TEMPLATE_HOLDERS } from '../../shared/chatTemplateFiles'
import { badInput } from '../../shared/errors'
import type { ChatTemplateFacts } from '../../shared/inspection'
import { isMissing, isNamed, readJsonFile, readTextFile, readTextFileIfThere, sha256 } from '../formats/files'
import { MAX_CHAT_TEMPLATE_BYTES, MAX_CHAT_TEMPLATES, MAX_TOKENIZER_BYTES } from '../formats/limits'

const ADDITIONAL_FOLDER = 'additional_chat_templates'

/**
 * The chat templates of a checkpoint, the one that transformers uses by default first: `chat_template.jinja` before
 * `chat_template` of tokenizer_config.json, before those of processor_config.json and chat_template.json, which the processor of
 * a model that sees images reads; then the additional ones by name.
 *
 * @throws {AppError} BAD_INPUT or BAD_FORMAT for a file that cannot be read or is too large
 */
export async function readChatTemplates(directory: string): Promise<ChatTemplateFacts[]> {
  const own = await readTextFileIfThere(join(directory, TEMPLATE_FILE), MAX_CHAT_TEMPLATE_BYTES)
  const main = own === undefined ? await templatesOfFiles(directory) : [facts('default', TEMPLATE_FILE, own)]
  const rest = await additionalTemplates(directory)
  const found = [...main, ...rest]
  const first = found.findIndex(({ name }) => name === 'default')
  return first <= 0 ? found : [found[first] as ChatTemplateFacts, ...found.filter((_, i) => i !== first)]
}

/** The templates that render conversations, as apply_chat_template chooses them. */
export interface ChatTemplates {
  readonly main: ChatTemplateFacts
  /** For conversations with tools; the main one again where there is no `tool_use`. */
  readonly withTools: ChatTemplateFacts
  /** Of both. */
  readonly sha256: string
  readonly readsDate: boolean
}

/**
 * The templates that render conversations; undefined when the checkpoint has none.
 * @throws {AppError} BAD_INPUT as `readChatTemplates`, or when there are several and none is the default
 */
export async function readRenderingTemplates(directory: string): Promise<ChatTemplates | undefined> {
  const templates = await readChatTemplates(directory)
  const named = (wanted: string): ChatTemplateFacts | undefined => templates.find(({ name }) => name === wanted)
  const main = named('default')
  if (main === undefined) {
    if (templates.length === 0) return undefined
    const names = templates.map(({ name }) => name).join(', ')
    throw badInput(`${directory} has the chat templates ${names}, but none is named default, which conversations need`)
  }
  const withTools = named('tool_use') ?? main
  return {
    main,
    withTools,
    sha256: withTools === main ? main.sha256 : sha256(main.sha256 + withTools.sha256),
    readsDate: main.readsDate || withTools.readsDate
  }
}

const facts = (name: string, file: string, text: string): ChatTemplateFacts => ({
  name,
  file,
  sha256: sha256(text),
  text,
  readsDate: /\bstrftime_now\b/.test(text)
})

async function templatesOfFiles(directory: string): Promise<ChatTemplateFacts[]> {
  for (const file of TEMPLATE_HOLDERS) {
    const found = await templatesOfFile(directory, file)
    if (found.length > 0) return found
  }
  return []
}

/** A string, or a list of `{ name, template }`. */
async function templatesOfFile(directory: string, file: string): Promise<ChatTemplateFacts[]> {
  const path = join(directory, file)
  if (!(await isNamed(path))) return []
  const given = ((await readJsonFile(path, MAX_TOKENIZER_BYTES)) as { chat_template?: unknown } | null)?.chat_template
  if (given === undefined || given === null) return []
  const list: unknown[] = typeof given === 'string' ? [{ name: 'default', template: given }] : asList(given, path)
  return list.slice(0, MAX_CHAT_TEMPLATES).map((entry) => {
    const { name, template } = (entry ?? {}) as { name?: unknown; template?: unknown }
    if (typeof name !== 'string' || typeof template !== 'string')
      throw badInput(`${path}: an entry of chat_template has no "name" or no "template", both texts were expected`)
    return facts(name, file, template)
  })
}

function asList(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value
  throw badInput(`${path}: chat_template is neither a text nor a list of templates`)
}

async function additionalTemplates(directory: string): Promise<ChatTemplateFacts[]> {
  const names = await readdir(join(directory, ADDITIONAL_FOLDER)).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  const files = names.filter((name) => name.endsWith('.jinja')).sort()
  return Promise.all(
    files.slice(0, MAX_CHAT_TEMPLATES).map(async (name) => {
      const file = `${ADDITIONAL_FOLDER}/${name}`
      return facts(
        name.slice(0, -'.jinja'.length),
        file,
        await readTextFile(join(directory, file), MAX_CHAT_TEMPLATE_BYTES)
      )
    })
  )
}
