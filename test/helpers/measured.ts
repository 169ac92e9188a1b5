import { perplexitiesOf } from '../../src/engine/run/rowStatistics'
import type { Perplexities } from '../../src/shared/runEvents'
import type { RowsOfText } from '../../src/shared/runFolder'
import { gaussian } from './matrices'

export const NF4 = 'nf4-b64-dq'

interface Text {
  /** How much worse the quantized base's mean loss is, nats. */
  readonly gap: number
  /** By variant the share of the gap that it leaves. */
  readonly left: Readonly<Record<string, number>>
  /** Rows of 20 to 26 tokens. */
  readonly rows?: number
  readonly quantizer?: string
}

/** Sums of rows whose losses go together, as those of one text do; a variant that leaves all is the base itself. */
export function measuredRows({ gap, left, rows = 80, quantizer = NF4 }: Text): RowsOfText {
  const next = gaussian('measured rows', gap)
  const tokens = Array.from({ length: rows }, (_, i) => 20 + (i % 7))
  const full = tokens.map((count) => count * (4 + 0.3 * next()))
  const worse = (by: number) => ({
    loss: full.map((loss, i) => loss + (tokens[i] as number) * (by + 0.02 * next())),
    klDivergence: tokens.map((count) => count * by * (1 + 0.1 * next())),
    sameTopToken: tokens.map((count) => Math.round((0.9 - 0.1 * by + 0.02 * next()) * count))
  })
  const base = worse(gap)
  const variants = Object.entries(left).map(([name, share]) => [name, share === 1 ? base : worse(share * gap)])
  return {
    tokens,
    fullPrecision: { loss: full },
    quantizers: { [quantizer]: base },
    variants: Object.fromEntries(variants)
  }
}

/** What a run says of such a text. */
export function measuredText(text: Text): Perplexities {
  const { quantizer = NF4, left } = text
  return perplexitiesOf(measuredRows(text), new Map(Object.keys(left).map((name) => [name, quantizer])))
}

/** Rows of a text on which the perplexities are these: losses go together row by row, and differ a little. */
export function rowsWith(
  { tokens, fullPrecision, quantizers, variants }: Omit<Perplexities, 'statistics'>,
  label: string | number
): RowsOfText {
  const next = gaussian('rows with', label)
  const rows = 64
  const counts = Array.from({ length: rows }, () => Math.round(tokens / rows))
  const centred = (): number[] => {
    const values = counts.map(() => next())
    const mean = values.reduce((sum, value) => sum + value, 0) / rows
    return values.map((value) => value - mean)
  }
  const shared = centred().map((value) => 0.17 * value)
  const gap = Math.max(...Object.values(quantizers).map((base) => Math.log(base / fullPrecision)))
  const lossAt = (perplexity: number, own: number): number[] => {
    const noise = centred()
    return counts.map((count, i) => count * (Math.log(perplexity) + (shared[i] as number) + own * (noise[i] as number)))
  }
  const compared = (perplexity: number) => {
    const divergence = 0.002 + 0.6 * Math.max(0, Math.log(perplexity / fullPrecision))
    return {
      loss: lossAt(perplexity, gap),
      klDivergence: counts.map((count) => count * divergence * (1 + 0.08 * next())),
      sameTopToken: counts.map((count) => Math.round(count * Math.min(1, 0.97 - 4 * divergence + 0.015 * next())))
    }
  }
  const all = (of: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(of).map(([name, perplexity]) => [name, compared(perplexity)]))
  return {
    tokens: counts,
    fullPrecision: { loss: lossAt(fullPrecision, 0) },
    quantizers: all(quantizers),
    variants: all(variants)
  }
}
