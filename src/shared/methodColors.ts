import { METHODS } from './methods'

/*
 * Colours and shapes of methods in charts, the same in the window and in reports: handed out in the order of the
 * declarations, so that a method has them without more words. A test reads their contrast in both themes.
 */

interface MethodColor {
  readonly light: string
  readonly dark: string
}

const COLORS: readonly MethodColor[] = [
  { light: '#5f6b76', dark: '#a0a9b2' },
  { light: '#8a6100', dark: '#e0b84c' },
  { light: '#8b3fb0', dark: '#d29bf0' },
  { light: '#0b62c4', dark: '#6cb2ff' },
  { light: '#00726a', dark: '#4fd1c0' },
  { light: '#a61e4d', dark: '#faa2c1' },
  { light: '#3b5bdb', dark: '#91a7ff' },
  { light: '#5c6f00', dark: '#c0d94a' }
]

const SHAPES = ['cross', 'square', 'triangle', 'circle', 'diamond'] as const
export type Shape = (typeof SHAPES)[number]

/** The place of a method among the colours; undefined for one that this version does not know. */
function place(method: string): number | undefined {
  const index = (METHODS as readonly string[]).indexOf(method)
  return index < 0 ? undefined : index
}

export const methodColorOf = (method: string): MethodColor | undefined => {
  const index = place(method)
  return index === undefined ? undefined : COLORS[index % COLORS.length]
}

/** Beyond the shapes that there are they begin again, with another colour. */
export const methodShape = (method: string): Shape => SHAPES[(place(method) ?? 1) % SHAPES.length] as Shape
