import type { FourBitSpec } from '../../shared/recipe'
import { pythonFloat } from './pythonJson'
import type { JsonObject, JsonValue } from './strictJson'

/** What config.json says of a pre-quantized checkpoint beside its quantizer. */
export interface QuantizationSettings {
  /** torch name of the dtype that the trainer computes in. */
  readonly computeDtype: string
  /** Names of linears that stay in full precision; null: the output head, as transformers decides it. */
  readonly skippedModules: readonly string[] | null
}

/**
 * `quantization_config` of a 4-bit checkpoint, with every key that BitsAndBytesConfig.to_dict() of transformers 5.23 writes.
 */
export const quantizationConfig = (
  { format, doubleQuantization }: FourBitSpec,
  { computeDtype, skippedModules }: QuantizationSettings
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
    ['llm_int8_skip_modules', skippedModules],
    ['llm_int8_threshold', pythonFloat(6)],
    ['load_in_4bit', true],
    ['load_in_8bit', false],
    ['quant_method', 'bitsandbytes']
  ])
