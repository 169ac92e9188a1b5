import type { CalendarDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import type { Policy } from '../../shared/recipe'
import type { ResolvedText } from '../../shared/runFolder'
import { ChatRenderer } from '../calibration/chatRenderer'
import type { EncodedText } from '../calibration/encodedText'
import { encodeText } from '../calibration/encodeText'
import { ModelTokenizer } from '../calibration/tokenizer'

/** What turns texts into the tokens of one model. */
export interface TextEncoder {
  readonly model: string
  readonly tokenizer: ModelTokenizer
}

/** @throws {AppError} BAD_INPUT when the checkpoint has no tokenizer that can be used */
export const openTexts = async (model: string): Promise<TextEncoder> => ({
  model,
  tokenizer: await ModelTokenizer.open(model)
})

/**
 * The tokens of a text, of its whole or of each sample as the policy says. Those last used are remembered.
 *
 * @param responses - tells the tokens of responses from the others, which only conversations have
 * @param day - what chat templates write as today
 * @param report - told how far it is, also where another call tokenizes the same text already
 * @throws {AppError} BAD_INPUT when the text cannot be read, or the chat template is no longer that of the run
 */
export async function encodeForRun(
  { model, tokenizer }: TextEncoder,
  text: ResolvedText,
  folder: string,
  policy: Policy,
  responses: boolean,
  day: CalendarDay,
  report?: OnProgress
): Promise<EncodedText> {
  if (responses && text.kind !== 'messages')
    throw badInput(
      `${text.name} holds no conversations, so it has no responses: import conversations as a set ` +
        '(messages, prompt and completion, …), or count all positions (--loss-on all, --calibrate-on all)'
    )
  const chat = text.kind === 'messages' ? await ChatRenderer.open(model, tokenizer, day) : undefined
  const expected = text.chatTemplateSha256
  if (chat !== undefined && expected !== undefined && chat.sha256 !== expected) {
    throw badInput(
      `${model}: the chat template has changed since the run was created: put it back as it was, or start a new run`
    )
  }
  const key = [
    tokenizer.sha256,
    text.sha256,
    text.kind,
    policy,
    chat?.sha256 ?? '',
    chat?.readsDate ? day : '',
    chat === undefined ? '' : JSON.stringify([...tokenizer.roles]),
    responses
  ].join()
  const encoding = chat && { renderer: chat, responses }
  const onText: OnProgress = (done, total) => report?.(done, total, text)
  return remembered(key, onText, (tell) => encodeText(tokenizer, text, folder, policy, encoding, tell))
}

interface Remembered {
  readonly tokens: Promise<EncodedText>
  /** Everyone who waits for the tokens. */
  readonly listeners: Set<OnProgress>
  /** What they were told last. */
  told: { readonly done: number; readonly total: number | null } | undefined
  count: number
}

/** Tokens of the texts last used: a plan and the run that follows it, or one plan after another, need the same ones. */
const recent = new Map<string, Remembered>()
const RECENT_TOKENS = 2 ** 23

/** Two that ask at the same time get the same work, and both are told how far it is. */
async function remembered(
  key: string,
  report: OnProgress,
  encode: (tell: OnProgress) => Promise<EncodedText>
): Promise<EncodedText> {
  const entry = recent.get(key) ?? begun(encode)
  entry.listeners.add(report)
  if (entry.told !== undefined) report(entry.told.done, entry.told.total)
  recent.delete(key)
  recent.set(key, entry)
  try {
    const tokens = await entry.tokens
    entry.told = undefined
    entry.count = tokens.keptTokens
    forgetOldest()
    return tokens
  } catch (error) {
    recent.delete(key)
    throw error
  } finally {
    entry.listeners.delete(report)
  }
}

function begun(encode: (tell: OnProgress) => Promise<EncodedText>): Remembered {
  const listeners = new Set<OnProgress>()
  const tell: OnProgress = (done, total) => {
    entry.told = { done, total }
    for (const listener of listeners) listener(done, total)
  }
  // Encoding begins after the entry is made: what it tells at once is kept too.
  const tokens = Promise.resolve().then(() => encode(tell))
  const entry: Remembered = { tokens, listeners, told: undefined, count: 0 }
  return entry
}

function forgetOldest(): void {
  let total = [...recent.values()].reduce((sum, { count }) => sum + count, 0)
  for (const [key, { count }] of recent) {
    if (total <= RECENT_TOKENS) return
    recent.delete(key)
    total -= count
  }
}
