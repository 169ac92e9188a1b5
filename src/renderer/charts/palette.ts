import { useComputedColorScheme } from '@mantine/core'
import { methodColorOf, paintOf, SERIES_COLORS } from '../../shared/chartColors'

/*
 * The colours of every chart. One method has one colour and one shape on every page; differences are blue or orange,
 * never green or red. Lines and texts reach a contrast of 4.5 : 1 on the background of their theme, which a test checks.
 */

export type ColorScheme = 'light' | 'dark'

export interface Palette {
  readonly scheme: ColorScheme
  readonly background: string
  readonly text: string
  readonly dimmed: string
  readonly grid: string
  readonly axis: string
  readonly fullPrecision: string
  readonly quantized: string
  readonly better: string
  readonly worse: string
  /** For whatever is neither a method nor a base. */
  readonly series: readonly string[]
  /** From nothing to everything, evenly spaced. */
  readonly shares: readonly string[]
}

export const PALETTES: Readonly<Record<ColorScheme, Palette>> = {
  light: {
    scheme: 'light',
    background: '#ffffff',
    text: '#212529',
    dimmed: '#5c636a',
    grid: '#e9ecef',
    axis: '#868e96',
    fullPrecision: '#212529',
    quantized: '#b54708',
    better: '#0b62c4',
    worse: '#b54708',
    series: SERIES_COLORS.map(({ light }) => light),
    shares: ['#eff5fc', '#cfe1f2', '#94c4df', '#4a98c9', '#1764ab', '#08306b']
  },
  dark: {
    scheme: 'dark',
    background: '#242424',
    text: '#e9ecef',
    dimmed: '#a6a7ab',
    grid: '#373a40',
    axis: '#868e96',
    fullPrecision: '#f1f3f5',
    quantized: '#ff9f55',
    better: '#6cb2ff',
    worse: '#ff9f55',
    series: SERIES_COLORS.map(({ dark }) => dark),
    shares: ['#1e2a36', '#1f4261', '#26659a', '#4a98c9', '#8cc3e8', '#d3e9fb']
  }
}

/** The colours of the theme that the window shows now. */
export const usePalette = (): Palette => PALETTES[useComputedColorScheme('light')]

/** The colour of a method; grey for one that this version does not know. */
export const methodColor = (palette: Palette, method: string): string =>
  methodColorOf(method)?.[palette.scheme] ?? palette.dimmed

/** The colour of variants that are seen together, in which quantizers of one method differ. */
export function variantColors(
  palette: Palette,
  together: Parameters<typeof paintOf>[0]
): (variant: Parameters<typeof paintOf>[0][number]) => string {
  const paint = paintOf(together)
  return (variant) => {
    const found = paint(variant)
    return 'method' in found ? methodColor(palette, found.method) : (palette.series[found.series] as string)
  }
}

/** The colour of a share between 0 and `max`: blue that grows stronger; orange below 0, where something got worse. */
export function shareColor({ shares, worse }: Palette, share: number, max = 1): string {
  if (share < 0) return worse
  const position = Math.min(1, share / max) * (shares.length - 1)
  const below = Math.min(shares.length - 2, Math.floor(position))
  return mix(shares[below] as string, shares[below + 1] as string, position - below)
}

/** Black or white, whichever is easier to read on the colour. */
export const textOn = (color: string): string =>
  contrast(color, '#000000') > contrast(color, '#ffffff') ? '#000000' : '#ffffff'

function mix(from: string, to: string, share: number): string {
  const [a, b] = [channels(from), channels(to)]
  return `#${a.map((value, i) => hex(value + share * ((b[i] as number) - value))).join('')}`
}

const hex = (value: number): string => Math.round(value).toString(16).padStart(2, '0')
const channels = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16))

/** Contrast of two colours as WCAG 2 defines it, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const [r, g, b] = channels(color).map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
