import { LARGE } from '../../shared/figureText'

/** From a value to a place on the screen, and back. */
export interface Scale {
  (value: number): number
  readonly invert: (place: number) => number
  /** Round values within the domain. */
  readonly ticks: readonly number[]
}

type Pair = readonly [number, number]

/** A linear scale; a domain without width is widened, so that its one value lies in the middle. */
export function linearScale(domain: Pair, range: Pair, count = 5): Scale {
  const [low, high] = widened(domain)
  const slope = (range[1] - range[0]) / (high - low)
  return Object.assign((value: number) => range[0] + (value - low) * slope, {
    invert: (place: number) => low + (place - range[0]) / slope,
    ticks: linearTicks(low, high, count)
  })
}

/** A logarithmic scale; both ends of the domain must be positive. */
export function logScale(domain: Pair, range: Pair): Scale {
  const [low, high] = widened([Math.log10(domain[0]), Math.log10(domain[1])])
  const slope = (range[1] - range[0]) / (high - low)
  return Object.assign((value: number) => range[0] + (Math.log10(value) - low) * slope, {
    invert: (place: number) => 10 ** (low + (place - range[0]) / slope),
    ticks: logTicks(low, high)
  })
}

const widened = ([low, high]: Pair): Pair => {
  if (high > low) return [low, high]
  const half = Math.abs(low) * 0.01 || 0.5
  return [low - half, high + half]
}

/** About `count` multiples of 1, 2 or 5 times a power of ten. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = power * (raw / power > 5 ? 10 : raw / power > 2 ? 5 : raw / power > 1 ? 2 : 1)
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)))
  }
  return ticks
}

/** Powers of ten; where there are fewer than two, 1, 2 and 5 times them, and where these are, too, linear ticks. */
function logTicks(low: number, high: number): number[] {
  const within = (factors: readonly number[]): number[] => {
    const ticks: number[] = []
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const factor of factors) {
        const log = power + Math.log10(factor)
        if (log >= low - 1e-9 && log <= high + 1e-9) ticks.push(Number((factor * 10 ** power).toPrecision(12)))
      }
    }
    return ticks
  }
  const decades = within([1])
  if (decades.length > 1) return decades.length > 7 ? decades.filter((_, i) => i % 2 === 0) : decades
  const fine = within([1, 2, 5])
  return fine.length > 1 ? fine : linearTicks(10 ** low, 10 ** high, 4)
}

/** A tick with as many decimals as tell it from others, thousands separated as in every figure beside it. */
export function tickText(tick: number, ticks: readonly number[]): string {
  if (Math.abs(tick) >= LARGE) return tick.toExponential()
  const step = ticks.length > 1 ? (ticks[1] as number) - (ticks[0] as number) : 1
  const decimals = Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9)))
  return tick.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}
