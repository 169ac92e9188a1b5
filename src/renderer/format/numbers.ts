import { figureText } from '../../shared/figureText'
import { estimateText, shareText } from '../../shared/uncertainty'

/*
 * Numbers as the window shows them: four significant digits, thousands separated, units always. Figures are set in
 * tabular numerals by the style sheet (`.num`).
 */

const INTEGER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** `4,096`. */
export const formatCount = (value: number): string => INTEGER.format(value)

/** Four significant digits: `86.65`, `−0.001234`, `1.234e-9`, `12,345`. */
export const formatNumber = (value: number, digits = 4): string => realMinus(figureText(value, digits))

/** A share as percent: `63.7 %`; tiny changes keep a sign of life. */
export function formatPercent(share: number, digits = 1): string {
  if (!Number.isFinite(share)) return '–'
  const text = (100 * share).toFixed(digits)
  // What rounds to nothing has no sign.
  return `${/^-[0.]+$/.test(text) ? text.slice(1) : text.replace('-', '−')} %`
}

/** A number with its standard error: `85.53 ± 0.91`; alone where the error is not known. */
export const formatEstimate = (value: number, error: number | null | undefined, digits = 4): string =>
  error ? realMinus(estimateText(value, error, digits)) : formatNumber(value, digits)

/** A share as percent with its standard error: `63.7 ± 4.7 %`. */
export const formatShareEstimate = (share: number, error: number | null | undefined): string =>
  realMinus(shareText(share, error))

const realMinus = (text: string): string => text.replace(/^-/, '−')

/** A share as percent with significant digits, for those that are small: `0.8421 %`. */
export const formatShare = (share: number, digits = 4): string =>
  Number.isFinite(share) ? `${formatNumber(100 * share, digits)} %` : '–'

/** A difference with its sign: `+0.123`, `−0.456`, with a real minus. */
export function formatSigned(value: number, digits = 3): string {
  const text = formatNumber(Math.abs(value), digits)
  if (value === 0) return '±0'
  return `${value > 0 ? '+' : '−'}${text}`
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `7.29 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  // What would be rounded to the next unit is told in that.
  while (value >= 1023.5 && unit < BINARY.length - 1) {
    value /= 1024
    unit++
  }
  const text = unit === 0 ? INTEGER.format(value) : value >= 100 ? value.toFixed(0) : value.toPrecision(3)
  return `${text} ${BINARY[unit]}`
}

const SCALES = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K']
] as const

/** Parameters as people say them: `3.82 M`, `6.74 B`. */
export function formatParameters(count: number): string {
  // 999,999 is a million once it is rounded.
  const rounded = Number(count.toPrecision(3))
  const scale = SCALES.find(([size]) => rounded >= size)
  return scale === undefined ? INTEGER.format(count) : `${(count / scale[0]).toPrecision(3)} ${scale[1]}`
}

/** `1 run`, `3 runs`. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${formatCount(count)} ${count === 1 ? noun : nouns}`
