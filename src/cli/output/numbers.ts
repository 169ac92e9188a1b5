/** `16,384`. */
export const formatCount = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 })

/** A share as per cent with one digit: `29.3 %`; a dash where it is not defined. */
export const formatShare = (share: number): string => {
  if (!Number.isFinite(share)) return '–'
  const text = (100 * share).toFixed(1)
  return `${text === '-0.0' ? '0.0' : text} %`
}

/** `2.31 M`, `134.5 M`, `7.24 G`: counts of parameters. */
export function formatParameters(count: number): string {
  const [value, unit] = count >= 1e9 ? [count / 1e9, ' G'] : count >= 1e6 ? [count / 1e6, ' M'] : [count, '']
  return unit === '' ? formatCount(value) : `${value.toPrecision(4).replace(/0+$/, '').replace(/\.$/, '')}${unit}`
}

/** `1 file`, `3 files`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : noun.endsWith('x') ? 'es' : 's'}`

/** Local date and time to the minute: `2026-11-23 14:05`. */
export function formatTime(atMs: number): string {
  const date = new Date(atMs)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}
