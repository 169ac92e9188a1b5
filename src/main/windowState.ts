import { readFileSync, renameSync, writeFileSync } from 'node:fs'
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
    write(JSON.stringify(state))
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

/** At once and whole: a window that closes may be the last that this process does. */
function write(state: string): void {
  try {
    writeFileSync(`${stateFile()}.new`, state)
    renameSync(`${stateFile()}.new`, stateFile())
  } catch {
    // A convenience: the window opens at the size of the time before.
  }
}

const isVisible = ({ x, y, width, height }: Rectangle): boolean =>
  screen.getAllDisplays().some(({ workArea }) => {
    const overlapX = Math.min(x + width, workArea.x + workArea.width) - Math.max(x, workArea.x)
    const overlapY = Math.min(y + height, workArea.y + workArea.height) - Math.max(y, workArea.y)
    return overlapX > 100 && overlapY > 100
  })
