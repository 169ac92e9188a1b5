import { badInput } from '../../shared/errors'
import { FOUR_BIT_FORMATS } from '../../shared/quantizers'
import type { FourBitSpec } from '../../shared/recipe'
import { shownValue } from '../../shared/shownValue'
import { isQuantized, isRecord, quantMethodOf } from './checkpointFiles'
import { pythonFloat } from './pythonJson'
import type { JsonObject, JsonValue } from './strictJson'

/**
 * `quantization_config` of a 4-bit checkpoint whose linears are quantized, all or but for some, with every key that
 * BitsAndBytesConfig.to_dict() of transformers 5.23 writes.
 *
 * @param computeDtype - torch name of the dtype that the trainer computes in
 * @param skipModules - what stays in full precision where that is more than the head
 */
export const quantizationConfig = (
  { format, doubleQuantization }: FourBitSpec,
  computeDtype: string,
  skipModules: readonly string[] | undefined
): JsonObject =>
  new Map<string, JsonValue>([
    ['_load_in_4bit', true],
    ['_load_in_8bit', false],
    ['bnb_4bit_compute_dtype', computeDtype],
    ['bnb_4bit_quant_storage', 'uint8'],
    ['bnb_4bit_quant_type', format],
    ['bnb_4bit_use_double_quant', doubleQuantization],
    ['llm_int8_enable_fp32_cpu_offload', false],
    ['llm_int8_has_fp16_weight', false],
    ['llm_int8_skip_modules', skipModules === undefined ? null : [...skipModules]],
    ['llm_int8_threshold', pythonFloat(6)],
    ['load_in_4bit', true],
    ['load_in_8bit', false],
    ['quant_method', 'bitsandbytes']
  ])

/** What a pre-quantized checkpoint's config.json says of its quantizer; the block size is with the weights. */
export type StoredQuantizer = Pick<FourBitSpec, 'format' | 'doubleQuantization'>

/**
 * Reads the `quantization_config` of a config.json.
 *
 * @param where - how messages name the file
 * @returns undefined where the weights are in full precision
 * @throws {AppError} BAD_INPUT for weights that are quantized in another way than 4-bit bitsandbytes
 */
export function readQuantizationConfig(
  config: Readonly<Record<string, unknown>>,
  where: string
): StoredQuantizer | undefined {
  if (!isQuantized(config)) return undefined
  const found = config.quantization_config
  const fields: Readonly<Record<string, unknown>> = isRecord(found) ? found : {}
  const expect = (key: string, accepted: readonly unknown[], fallback?: unknown, value = fields[key] ?? fallback) => {
    if (accepted.includes(value)) return value
    const shown = accepted.map((one) => JSON.stringify(one)).join(' or ')
    throw badInput(
      `${where}: quantization_config.${key} is ${shownValue(value)}; ${shown} can be read: 4-bit weights of bitsandbytes`
    )
  }
  expect('quant_method', ['bitsandbytes'], undefined, quantMethodOf(fields))
  expect('load_in_4bit', [true])
  expect('load_in_8bit', [false], false)
  const format = expect('bnb_4bit_quant_type', FOUR_BIT_FORMATS, 'fp4') as FourBitSpec['format']
  const doubleQuantization = expect('bnb_4bit_use_double_quant', [true, false], false) as boolean
  return { format, doubleQuantization }
}
