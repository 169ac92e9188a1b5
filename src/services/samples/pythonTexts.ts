/*
 * Dates, times and decimals of Parquet as Python's str() writes them, which is what a chat template makes of them.
 */

/** Of a decimal: the digits as they are, `1.50`; far below one with an exponent, `1E-9`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString()
  const sign = unscaled < 0n ? '-' : ''
  const whole = digits.length - scale // digits before the point
  if (scale === 0) return sign + digits
  if (whole > -6) {
    const padded = digits.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
  return `${sign}${digits[0]}${fraction}E${whole - 1}`
}

/** A two's complement integer, the highest byte first. */
export const bigEndian = (bytes: Uint8Array): bigint =>
  BigInt.asIntN(
    bytes.length * 8,
    bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n)
  )

const NANOS_A_SECOND = 1_000_000_000n

/** Of a point in time, in nanoseconds since 1970: `2026-11-27 01:02:03`, with as many digits behind as it has. */
export function momentText(nanos: bigint, isUtc: boolean): string {
  const [seconds, rest] = divided(nanos, NANOS_A_SECOND)
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return String(nanos)
  return `${date.toISOString().slice(0, -5).replace('T', ' ')}${fraction(rest)}${isUtc ? '+00:00' : ''}`
}

/** Of a time of day, in nanoseconds since midnight. */
export function timeText(nanos: bigint): string {
  const [seconds, rest] = divided(nanos, NANOS_A_SECOND)
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
  return parts.map((part) => String(part).padStart(2, '0')).join(':') + fraction(rest)
}

function divided(value: bigint, by: bigint): readonly [bigint, bigint] {
  const rest = ((value % by) + by) % by
  return [(value - rest) / by, rest]
}

function fraction(nanos: bigint): string {
  if (nanos === 0n) return ''
  const digits = String(nanos).padStart(9, '0')
  return `.${digits.endsWith('000') ? digits.slice(0, 6) : digits}`
}
