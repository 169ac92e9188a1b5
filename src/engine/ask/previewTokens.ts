import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { localDay } from '../../shared/calendarDay'
import { badInput } from '../../shared/errors'
import type { OnProgress } from '../../shared/progress'
import type { FirstToken } from '../../shared/recipe'
import type { PreviewRequest, TokenPreview, TokenStatistics } from '../../shared/tokenPreview'
import { countPositions, cutRows, type TokenRows } from '../calibration/rows'
import { readJsonFile } from '../formats/files'
import { MAX_CONFIG_BYTES } from '../formats/limits'
import { readArchitecture } from '../models/registry'
import { encodeForRun, openTexts } from '../prepare/encodedTexts'

/**
 * One row of a text exactly as a run would use it, and what the whole text comes to. No weight is read.
 *
 * @throws {AppError} BAD_INPUT as the run would: no tokenizer, no template for conversations, a text too short
 */
export async function previewTokens(request: PreviewRequest, report?: OnProgress): Promise<TokenPreview> {
  const { model, text, policy, context, rows: wanted, calibrateOn = 'all', firstToken = 'include' } = request
  const found = await stat(model).catch(() => undefined)
  if (!found?.isDirectory()) throw badInput(`${model} is not a directory; a Hugging Face checkpoint is needed`)
  const opened = await openTexts(model)
  const day = request.templateDate ?? localDay(Date.now())
  const tokens = await encodeForRun(opened, text, '/', policy, calibrateOn !== 'all', day, report)
  const vocabularySize = await vocabularySizeOf(model)
  const cut = await cutRows(tokens, text.name, opened.tokenizer.padId, {
    policy,
    context,
    rows: wanted,
    vocabularySize
  })
  const rows = countPositions(cut, { on: calibrateOn, firstToken })
  const row = Math.min(request.row, rows.rows - 1)
  const length = rows.lengths[row] as number
  const ids = rows.ids.subarray(row * context, (row + 1) * context)
  const texts = await opened.tokenizer.decodeEach(ids)
  const special = new Set(opened.tokenizer.facts.specialTokens.map(({ id }) => id))
  return {
    rows: rows.rows,
    available: rows.available[0] ?? 0,
    tokenCount: rows.tokenCount,
    row,
    text: await opened.tokenizer.decode(ids.subarray(0, length)),
    tokens: Array.from(ids, (id, i) => ({
      id,
      text: texts[i] ?? '',
      special: special.has(id),
      pad: i >= length,
      leftOut: i >= length ? null : whyLeftOut(rows, row * context + i, firstToken)
    })),
    statistics: statisticsOf(tokens.lengths, policy === 'packed'),
    refused: tokens.refused ?? null,
    printed: tokens.printed ?? null
  }
}

function whyLeftOut(
  { context, counted, responses }: TokenRows,
  position: number,
  firstToken: FirstToken
): TokenPreview['tokens'][number]['leftOut'] {
  if (counted[position] === 1) return null
  if (firstToken === 'exclude' && position % context === 0) return 'first'
  return responses?.[position] === 1 ? 'response' : 'prompt'
}

async function vocabularySizeOf(model: string): Promise<number | undefined> {
  const path = join(model, 'config.json')
  const config = await readJsonFile(path, MAX_CONFIG_BYTES)
  return readArchitecture(config as never, path).vocabularySize
}

function statisticsOf(found: readonly number[], packed: boolean): TokenStatistics {
  const lengths = [...found].sort((a, b) => a - b)
  const at = (share: number): number => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))] ?? 0
  const total = lengths.reduce((sum, length) => sum + length, 0)
  if (packed) return { tokens: total, lengths: null }
  return { tokens: total, lengths: { min: at(0), median: at(0.5), p95: at(0.95), max: lengths.at(-1) ?? 0 } }
}
