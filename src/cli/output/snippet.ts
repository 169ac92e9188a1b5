import type { QuantizerSpec } from '../../shared/recipe'

const TORCH_DTYPES: Readonly<Record<string, string>> = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' }

/** Python that loads an adapter for training on the base that it was made for. */
export function snippet(
  { model, adapter }: { readonly model: string; readonly adapter: string },
  { format, doubleQuantization }: QuantizerSpec,
  dtype: string
): string[] {
  const double = doubleQuantization ? 'True' : 'False'
  return [
    'import torch',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM, BitsAndBytesConfig',
    `nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="${format}", bnb_4bit_use_double_quant=${double}, bnb_4bit_compute_dtype=torch.bfloat16)`,
    `base = AutoModelForCausalLM.from_pretrained(${quote(model)}, dtype=torch.${TORCH_DTYPES[dtype] ?? 'bfloat16'}, quantization_config=nf4)`,
    `model = PeftModel.from_pretrained(base, ${quote(adapter)}, is_trainable=True)`
  ]
}

const quote = (path: string): string => JSON.stringify(path)
