import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { call, onEvent } from '../api/desktop'
import { refreshAfter } from '../api/queryClient'
import { notifyError } from '../components/notify'
import { useShortcuts } from '../components/shortcuts'
import { openPaths } from './openPaths'
import { openPalette } from './Palette'

/** Lets what the window is told take effect: stale answers are asked again, main's wishes are followed. */
export function EventBridge(): null {
  const [, navigate] = useLocation()
  const { showHelp } = useShortcuts()
  useEffect(
    () =>
      onEvent((event) => {
        refreshAfter(event)
        if (event.type === 'navigate') navigate(event.to)
        if (event.type === 'openPaths') openPaths(event.paths, navigate)
        if (event.type === 'menu' && event.action === 'palette') openPalette()
        if (event.type === 'menu' && event.action === 'shortcuts') showHelp()
        if (event.type === 'menu' && event.action === 'openRecipe') void openRecipe(navigate)
      }),
    [navigate, showHelp]
  )
  return null
}

async function openRecipe(navigate: (to: string) => void): Promise<void> {
  try {
    const [path] = await call('app.pick', { kind: 'recipe' })
    if (path !== undefined) navigate(`/new?recipeFile=${encodeURIComponent(path)}`)
  } catch (error) {
    notifyError('The recipe could not be opened', error)
  }
}
