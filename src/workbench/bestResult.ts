import type { ProjectResult } from '../shared/contract/projects'
import { gapClosed, type Perplexities } from '../shared/runEvents'

type Best = NonNullable<ProjectResult['best']>

/** The variant with the lowest perplexity on the first evaluation text; null when none was measured. */
export function bestResult(perplexity: Readonly<Record<string, Perplexities>>): Best | null {
  const [text, measured] = Object.entries(perplexity)[0] ?? []
  if (text === undefined || measured === undefined) return null
  const [variant, value] = Object.entries(measured.variants).sort(([, a], [, b]) => a - b)[0] ?? []
  if (variant === undefined || value === undefined) return null
  return { variant, text, fullPrecision: measured.fullPrecision, quantized: measured.quantized, perplexity: value }
}

/** `64 %`: the share of the quantization gap that it closes. */
export const percentOf = ({ fullPrecision, quantized, perplexity }: Best): string =>
  `${(100 * gapClosed(fullPrecision, quantized, perplexity)).toFixed(0)} %`
