import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { app, type BrowserWindow, type Rectangle, screen } from 'electron'
import { z } from 'zod'

const WindowState = z.object({
  bounds: z.object({ x: z.int(), y: z.int(), width: z.int().min(1), height: z.int().min(1) }),
  maximized: z.boolean()
})
type WindowState = z.infer<typeof WindowState>

const stateFile = (): string => join(app.getPath('userData'), 'window.json')

/** Where the window stood last time; undefined when that is not known, or lies on no screen any more. */
export function readWindowState(): WindowState | undefined {
  try {
    const state = WindowState.parse(JSON.parse(readFileSync(stateFile(), 'utf8')))
    return isVisible(state.bounds) ? state : undefined
  } catch {
    return undefined // a convenience: a lost or damaged file only means the default size
  }
}

/** Keeps size and place of the window as it changes them. */
export function keepWindowState(window: BrowserWindow): void {
  let waiting: NodeJS.Timeout | undefined
  const save = (): void => {
    const state: WindowState = { bounds: window.getNormalBounds(), maximized: window.isMaximized() }
    void writeFile(stateFile(), JSON.stringify(state)).catch(() => undefined)
  }
  const soon = (): void => {
    clearTimeout(waiting)
    waiting = setTimeout(() => {
      if (!window.isDestroyed()) save()
    }, 500)
  }
  window.on('resize', soon)
  window.on('move', soon)
  window.on('close', save)
}

const isVisible = ({ x, y, width, height }: Rectangle): boolean =>
  screen.getAllDisplays().some(({ workArea }) => {
    const overlapX = Math.min(x + width, workArea.x + workArea.width) - Math.max(x, workArea.x)
    const overlapY = Math.min(y + height, workArea.y + workArea.height) - Math.max(y, workArea.y)
    return overlapX > 100 && overlapY > 100
  })
