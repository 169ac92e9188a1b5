import { METHODS } from './methods'
import { type Treatment, treatmentKey } from './treatment'

/*
 * Colours and shapes of methods in charts, the same in the window and in reports: handed out in the order of the
 * declarations, so that a method has them without more words. A test reads their contrast in both themes.
 */

interface ChartColor {
  readonly light: string
  readonly dark: string
}

const COLORS: readonly ChartColor[] = [
  { light: '#5f6b76', dark: '#a0a9b2' },
  { light: '#8a6100', dark: '#e0b84c' },
  { light: '#8b3fb0', dark: '#d29bf0' },
  { light: '#0b62c4', dark: '#6cb2ff' },
  { light: '#00726a', dark: '#4fd1c0' },
  { light: '#a61e4d', dark: '#faa2c1' },
  { light: '#3b5bdb', dark: '#91a7ff' },
  { light: '#5c6f00', dark: '#c0d94a' }
]

/** For whatever is neither a method nor a base. */
export const SERIES_COLORS: readonly ChartColor[] = [
  { light: '#0b62c4', dark: '#6cb2ff' },
  { light: '#b54708', dark: '#ff9f55' },
  { light: '#00726a', dark: '#4fd1c0' },
  { light: '#8b3fb0', dark: '#d29bf0' },
  { light: '#8a6100', dark: '#e0b84c' },
  { light: '#a61e4d', dark: '#faa2c1' },
  { light: '#3b5bdb', dark: '#91a7ff' },
  { light: '#5f6b76', dark: '#a0a9b2' }
]

const SHAPES = ['cross', 'square', 'triangle', 'circle', 'diamond'] as const
export type Shape = (typeof SHAPES)[number]

/** The place of a method among the colours; undefined for one that this version does not know. */
function place(method: string): number | undefined {
  const index = (METHODS as readonly string[]).indexOf(method)
  return index < 0 ? undefined : index
}

export const methodColorOf = (method: string): ChartColor | undefined => {
  const index = place(method)
  return index === undefined ? undefined : COLORS[index % COLORS.length]
}

/** Beyond the shapes that there are they begin again, with another colour. */
export const methodShape = (method: string): Shape => SHAPES[(place(method) ?? 1) % SHAPES.length] as Shape

interface Painted extends Partial<Treatment> {
  readonly method: string
  readonly quantizer: string
}

/** What a variant is painted with: its method's colour, or one of the series. */
export type Paint = { readonly method: string } | { readonly series: number }

/**
 * The paint of variants that are seen together. A method on one quantizer has its own colour; on several, or treated
 * differently, each of these has a colour of the series, so that NF4 and INT8 never share one.
 */
export function paintOf(together: readonly Painted[]): (variant: Painted) => Paint {
  const pair = ({ method, quantizer, refined = false, ranksByLayer = false }: Painted): string =>
    JSON.stringify([method, quantizer, treatmentKey({ refined, ranksByLayer })])
  const pairs = [...new Set(together.map(pair))]
  const methods = new Set(together.map(({ method }) => method))
  if (pairs.length === methods.size) return ({ method }) => ({ method })
  return (variant) => ({ series: Math.max(0, pairs.indexOf(pair(variant))) % SERIES_COLORS.length })
}
