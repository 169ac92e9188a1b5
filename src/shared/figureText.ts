/*
 * A figure as it stands everywhere: in the window, on the command line, in reports. Only units and signs are the reader's own.
 */

/** Figures from here on are told by their power of ten. */
export const LARGE = 1e9

/**
 * Four significant digits, whole from a thousand on, thousands separated: `86.65`, `0.001234`, `1.234e-9`, `1,234,567`,
 * `1.235e+12`; `∞` for what overflowed, and a dash for what is no number.
 */
export function figureText(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return infinityText(value)
  if (value === 0) return '0'
  const size = Math.abs(Number(value.toPrecision(digits)))
  if (size < 1e-4 || size >= LARGE) return value.toExponential(digits - 1)
  if (size < 10 ** (digits - 1)) return value.toPrecision(digits)
  return Math.round(value).toLocaleString('en-US')
}

/** What stands for a number that is none, or too large for any. */
export const infinityText = (value: number): string => (Number.isNaN(value) ? '–' : value > 0 ? '∞' : '-∞')
