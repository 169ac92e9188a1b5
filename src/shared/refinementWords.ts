import { keptDivergence, type RefinementResult } from './refinement'

/* What a refinement did, in the words of the command line, the window, reports and model cards. */

/** Three digits, as divergences have everywhere. */
export const divergenceText = (value: number | null): string => (value === null ? 'not finite' : value.toPrecision(3))

/** `0.00330 → 0.00243 (−26 %)`, or one figure where both are the same. */
export function changeText(from: number | null, to: number): string {
  if (from === null || from === to) return divergenceText(to)
  return `${divergenceText(from)} → ${divergenceText(to)} (${changeShare(from, to)})`
}

/** `−26 %`; a change that rounds to nothing is `<1 %`, none at all `0 %`. */
export function changeShare(from: number, to: number): string {
  const change = Math.round(100 * (to / from - 1))
  if (change === 0) return from === to ? '0 %' : '<1 %'
  return `${change < 0 ? '−' : '+'}${Math.abs(change)} %`
}

/**
 * What became of a refinement, without its variant's name: `held-out KL 0.00330 → 0.00243 (−26 %), kept after 48 of 48
 * steps; without an adapter 0.00834`. A refinement that is under way has more steps to go than its curve has.
 */
export function refinementSentence(result: RefinementResult): string {
  const { kept, quantized, steps } = result
  const start = startDivergence(result)
  if (kept === 'zero')
    return `no adapter is best, lora_B is 0: held-out KL ${divergenceText(quantized)} without an adapter, ${divergenceText(start)} at the start${leastText(result)}`
  const without = `without an adapter ${divergenceText(quantized)}`
  if (kept === 0)
    return `the start was kept, no later state was better: held-out KL ${divergenceText(start)}${leastText(result)}; ${without}`
  return `held-out KL ${changeText(start, keptDivergence(result))}, kept after ${kept} of ${steps} steps; ${without}`
}

/** The divergence with the factors that the method found. */
export const startDivergence = ({ curve }: RefinementResult): number | null => curve[0]?.divergence ?? null

/** The best of the states that were not kept; nothing where there is none, and why where none is finite. */
function leastText({ curve }: RefinementResult): string {
  const later = curve.slice(1)
  const finite = later.flatMap(({ divergence }) => divergence ?? [])
  if (later.length === 0) return ''
  if (finite.length === 0) return ', not finite after it: the learning rate is too large'
  return `, ${divergenceText(Math.min(...finite))} at best after it`
}

/** How far it is: `held-out KL 0.00300 after 12 of 48 steps; 0.00330 at the start`. */
export function refiningSentence(result: RefinementResult): string {
  const { curve, quantized, steps } = result
  const last = curve.at(-1)
  const now = divergenceText(last?.divergence ?? null)
  if (last === undefined || last.steps === 0)
    return `held-out KL ${now} at the start, ${divergenceText(quantized)} without an adapter`
  return `held-out KL ${now} after ${last.steps} of ${steps} steps; ${divergenceText(startDivergence(result))} at the start`
}

/** What it was made of: `48 steps of 4 rows out of 56, largest step 4 % of an entry's size; 8 rows (2,040 tokens) held out`. */
export function refinementSettings(result: RefinementResult): string {
  const { steps, batch, learningRate, rows, heldOutRows, heldOutTokens } = result
  const tokens = heldOutTokens.toLocaleString('en-US')
  return `${count(steps, 'step')} of ${count(Math.min(batch, rows), 'row')} out of ${rows.toLocaleString('en-US')}, largest step ${rateText(learningRate)} of an entry's size; ${count(heldOutRows, 'row')} (${tokens} tokens) held out`
}

/** A learning rate as a share: `4 %`. */
export const rateText = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`

const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`

/** A variant as far as it matters whose its layers' figures are. */
export interface MaybeRefined {
  /** Whether its recipe asks for a refinement. */
  readonly refined: boolean
  /** Null while there is none to tell of. */
  readonly refinement: RefinementResult | null
}

/** Whether the figures of a variant's layers are of other factors than the adapter has: of those that refinement began with. */
export const layersAreOfStart = ({ refined, refinement }: MaybeRefined): boolean => refined && refinement?.kept !== 0

/** What figures of layers are then called: `exact-r16-refined, start`. */
export const startName = (variant: string): string => `${variant}, start`

/** Why they are not the adapter's. */
export const LAYERS_OF_START =
  'Figures of layers are those of the start, before refinement: refinement looks at the whole model, and leaves the optimum of single layers.'
