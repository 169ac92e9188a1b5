import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ratioError } from '../../engine/numerics/ratioEstimates'
import type { ComparedRun } from '../../shared/compare/comparedRun'
import type { Pairing, TextPairing } from '../../shared/compare/pairing'
import { parseRowKey } from '../../shared/compare/rows'
import { RowLosses, type RowsOfText, RUN_FILES } from '../../shared/runFolder'
import { runFolder, type Services } from '../services'

/**
 * Differences of the runs' variants from a baseline `run/variant` of one of them, paired over the rows of each evaluation
 * text that both measured.
 */
export async function pairedWith(
  services: Pick<Services, 'home'>,
  baseline: string,
  runs: readonly Pick<ComparedRun, 'id' | 'texts' | 'perplexity'>[]
): Promise<Pairing> {
  const { run: id, variant } = parseRowKey(baseline)
  const own = runs.find((run) => run.id === id)
  if (own === undefined || variant === undefined) return {}
  const ownRows = await readRows(services, id)
  const pairing: Record<string, Record<string, TextPairing>> = {}
  for (const other of runs) {
    if (other.id === id) continue
    const texts = Object.keys(other.perplexity).filter((text) => own.perplexity[text]?.variants[variant] !== undefined)
    if (texts.length === 0) continue
    const otherRows = await readRows(services, other.id)
    pairing[other.id] = Object.fromEntries(
      texts.map((text) => {
        const digest = (run: typeof other) => run.texts.evaluation.find(({ name }) => name === text)?.sha256
        if (digest(own) !== digest(other)) return [text, { why: 'another text of this name' }]
        return [text, pairedText(ownRows?.[text], otherRows?.[text], variant)]
      })
    )
  }
  return pairing
}

/**
 * Standard errors of the log ratios √(var l₁ + var l₂ − 2 cov) of the variants of `other` and one variant of `own`, where
 * the rows are the same: as many tokens in each, and the same losses in full precision.
 */
export function pairedText(own: RowsOfText | undefined, other: RowsOfText | undefined, variant: string): TextPairing {
  const base = own?.variants[variant]
  if (own === undefined || other === undefined || base === undefined)
    return { why: 'the losses of its rows are not stored' }
  if (own.tokens.join() !== other.tokens.join()) return { why: 'cut into other rows' }
  if (own.fullPrecision.loss.some((loss, i) => !alike(loss, other.fullPrecision.loss[i] as number)))
    return { why: 'another full precision: the model or its tokens are not the same' }
  const errors = Object.entries(other.variants).flatMap(([name, { loss }]): [string, number][] => {
    const error = ratioError({ totals: loss.map((value, i) => value - (base.loss[i] as number)), tokens: own.tokens })
    return Number.isFinite(error) ? [[name, error]] : []
  })
  return { logRatioErrors: Object.fromEntries(errors) }
}

/** Devices differ by less than 1e-5; another model, or another token in a row, by far more. */
const SAME = 1e-4
const alike = (a: number, b: number): boolean => Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b))

/** What the run stored of its rows; undefined where it did not, or where that cannot be read. */
async function readRows(services: Pick<Services, 'home'>, run: string): Promise<RowLosses['texts'] | undefined> {
  try {
    const read = RowLosses.safeParse(JSON.parse(await readFile(join(runFolder(services, run), RUN_FILES.rows), 'utf8')))
    return read.data?.texts
  } catch {
    return undefined
  }
}
