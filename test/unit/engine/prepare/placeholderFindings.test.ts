import { describe, expect, it } from 'vitest'
import type { TokenRows } from '../../../../src/engine/calibration/rows'
import { readArchitecture, SUPPORTED_MODEL_TYPES } from '../../../../src/engine/models/registry'
import { WRAPPERS } from '../../../../src/engine/models/wrappers'
import { placeholderFindings } from '../../../../src/engine/prepare/placeholderFindings'
import { sampleModel } from '../../../helpers/paths'

/** Rows of four tokens, the last one of which is shorter. */
const rowsOf = (ids: readonly number[], last = 4): TokenRows => {
  const rows = ids.length / 4
  const lengths = Int32Array.from({ length: rows }, (_, row) => (row === rows - 1 ? last : 4))
  const counted = new Uint8Array(ids.length).fill(1)
  return { context: 4, rows, ids: Int32Array.from(ids), lengths, counted, tokenCount: ids.length, available: [rows] }
}

const found = (config: Record<string, unknown>, calibration: TokenRows, evaluation: TokenRows) =>
  placeholderFindings(sampleModel, readArchitecture(config, 'config.json'), {
    calibration,
    evaluation: [{ name: 'b', rows: evaluation }]
  })

/** On the defaults of this text model transformers fails: its streams of positions make up half a head. */
const GLM4V_TEXT = { rope_parameters: { partial_rotary_factor: 0.5 } }
/** On those of these, too: heads have to be given, and of the second what its streams rotate. */
const HEADS = { head_dim: 128 }
const STREAMS = { ...HEADS, rope_parameters: { mrope_section: [16, 16, 16, 16] } }
const TEXTS: Readonly<Record<string, object>> = {
  glm4v: GLM4V_TEXT,
  glm46v: GLM4V_TEXT,
  glm4v_moe: HEADS,
  hunyuan_vl: STREAMS
}

describe('tokens that stand for images', () => {
  it('are counted in all rows, and named by the tokenizer and by the key of config.json', async () => {
    const config = { model_type: 'gemma3', image_token_index: 2 }
    const [finding, ...others] = await found(config, rowsOf([2, 5, 2, 7]), rowsOf([1, 0, 2, 3, 4, 4, 2, 2], 2))
    expect(others).toEqual([])
    expect(finding?.severity).toBe('warning')
    expect(finding?.message).toBe(
      'the rows hold 3 times </s> (image_token_index of config.json): a gemma3 puts what it sees or hears there, and ' +
        'Quail the embedding of the token; take such tokens out of the texts'
    )
  })

  it('are not looked for where there are none', async () => {
    expect(await found({ model_type: 'llama', image_token_id: 5 }, rowsOf([5, 5, 5, 5]), rowsOf([]))).toEqual([])
    expect(await found({ model_type: 'llava', image_token_id: 9 }, rowsOf([5, 5, 5, 5]), rowsOf([]))).toEqual([])
  })

  it('are known of every model around a text model, by their defaults too', async () => {
    for (const { modelType, placeholders } of WRAPPERS) {
      expect(SUPPORTED_MODEL_TYPES).toContain(modelType)
      // Some have none by default.
      const lacking = Object.entries(placeholders).flatMap(([key, id], i) =>
        id === null ? [[key, 90 + i] as const] : []
      )
      const ids = Object.values({ ...placeholders, ...Object.fromEntries(lacking) })
      const [finding] = await found(
        { model_type: modelType, text_config: TEXTS[modelType], ...Object.fromEntries(lacking) },
        rowsOf([ids[0] as number, 1, 2, ids.at(-1) as number]),
        rowsOf([])
      )
      expect(finding?.message, modelType).toContain(`token ${ids[0]} (image_token_id of config.json)`)
    }
  })
})
