import { textWidth } from '../../shared/chartText'

/*
 * How wide text is in the font that the window has: fonts differ by a fifth, and a column must hold all of its text.
 */

const canvas: { context?: CanvasRenderingContext2D | null; family?: string } = {}

/** Pixels of a text; estimated where there is no window. */
export function measuredWidth(text: string, weight: 400 | 600, size: number): number {
  if (typeof document === 'undefined') return textWidth(text, size)
  canvas.context ??= document.createElement('canvas').getContext('2d')
  canvas.family ??= getComputedStyle(document.body).fontFamily
  if (canvas.context === null) return textWidth(text, size)
  canvas.context.font = `${weight} ${size}px ${canvas.family}`
  return canvas.context.measureText(text).width
}

/** Pixels of the widest of these texts: of the longest, since only those can be it. */
export function widest(texts: readonly string[], weight: 400 | 600, size: number): number {
  const longest = texts.reduce((most, text) => Math.max(most, text.length), 0)
  const candidates = new Set(texts.filter((text) => text.length >= 0.7 * longest))
  return [...candidates].slice(0, 400).reduce((most, text) => Math.max(most, measuredWidth(text, weight, size)), 0)
}
