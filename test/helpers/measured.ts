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
