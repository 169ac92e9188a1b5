/** What torch calls the dtypes of weights, by their names in safetensors files. */
export const TORCH_DTYPES = { F32: 'float32', BF16: 'bfloat16', F16: 'float16' } as const

/** The torch name of a dtype that a proof names; bfloat16, which trainers load by default, for one that is not known. */
export const torchDtype = (dtype = 'BF16'): (typeof TORCH_DTYPES)[keyof typeof TORCH_DTYPES] =>
  Object.hasOwn(TORCH_DTYPES, dtype) ? TORCH_DTYPES[dtype as keyof typeof TORCH_DTYPES] : 'bfloat16'
