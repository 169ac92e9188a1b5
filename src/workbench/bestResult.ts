import type { ProjectResult } from '../shared/contract/projects'
import { bestVariant, quantizedPerplexity } from '../shared/proof'
import type { RunSummary } from '../store/runs'

/** The variant with the lowest perplexity on the first evaluation text; null when none was measured. */
export function bestResult({
  perplexity,
  variants
}: Pick<RunSummary, 'perplexity' | 'variants'>): ProjectResult['best'] {
  const [text, measured] = Object.entries(perplexity)[0] ?? []
  const best = bestVariant(measured, variants)
  if (text === undefined || measured === undefined || best === undefined) return null
  return {
    variant: best.name,
    text,
    fullPrecision: measured.fullPrecision,
    quantized: quantizedPerplexity(measured, best.quantizer),
    perplexity: measured.variants[best.name] as number
  }
}
