import type { PreparedRun } from './prepareRun'

export interface Warning {
  readonly code: string
  readonly message: string
}

/** The largest rank that vLLM serves unless it is told otherwise (`--max-lora-rank`). */
const VLLM_DEFAULT_RANK = 16

/** The only block size of `BitsAndBytesConfig` (formats.md §A.2). */
const TRANSFORMERS_BLOCK_SIZE = 64

/** What a person should know before the work begins; none of it stops the run. */
export function runWarnings(prepared: PreparedRun): Warning[] {
  const { linears, calibration, evaluation, variants, quantizers, recipe } = prepared
  const warnings: Warning[] = []
  const widest = Math.max(...linears.map(({ inFeatures }) => inFeatures))
  if (calibration.tokenCount < widest) {
    const message = `${calibration.tokenCount} calibration tokens are fewer than the widest input has channels (${widest}); four times as many are better: give more text or rows`
    warnings.push({ code: 'FEW_TOKENS', message })
  }
  if (calibration.rows < recipe.calibration.rows) {
    const message = `the calibration text gives ${calibration.rows} rows of ${recipe.context} tokens, ${recipe.calibration.rows} were asked for`
    warnings.push({ code: 'FEW_ROWS', message })
  }
  const large = Math.max(...variants.map(({ spec }) => spec.rank))
  if (large > VLLM_DEFAULT_RANK) {
    const message = `rank ${large}: vLLM serves ranks up to ${VLLM_DEFAULT_RANK} unless started with --max-lora-rank ${large}`
    warnings.push({ code: 'VLLM_RANK', message })
  }
  const odd = [...quantizers.values()].find(({ blockSize }) => blockSize !== TRANSFORMERS_BLOCK_SIZE)
  if (odd !== undefined) {
    const message = `block size ${odd.blockSize}: transformers quantizes with ${TRANSFORMERS_BLOCK_SIZE} and has no setting for it, so such an adapter only fits a base that you quantize yourself`
    warnings.push({ code: 'BLOCK_SIZE', message })
  }
  if (evaluation.length === 0) {
    warnings.push({ code: 'NO_EVALUATION', message: 'no evaluation text: perplexity will not be measured' })
  }
  return warnings
}
