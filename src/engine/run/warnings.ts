import type { PreparedRun } from './prepareRun'

export interface Warning {
  readonly code: string
  readonly message: string
}

/** The largest rank that vLLM serves unless it is told otherwise (`--max-lora-rank`). */
const VLLM_DEFAULT_RANK = 16

/** What a person should know before the work begins; none of it stops the run. */
export function runWarnings({ linears, calibration, evaluation, variants, recipe }: PreparedRun): Warning[] {
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
  if (evaluation.length === 0) {
    warnings.push({ code: 'NO_EVALUATION', message: 'no evaluation text: perplexity will not be measured' })
  }
  return warnings
}
