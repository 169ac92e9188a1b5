import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { WindowEventOf } from '../../shared/contract/events'
import { STATUS_SENTENCES } from '../../shared/runWords'
import { onEvent } from '../api/desktop'
import { refreshAfter } from '../api/queryClient'
import { notifyOffer } from '../components/notify'
import { useShortcuts } from '../components/shortcuts'
import { runAddress } from '../runs/runAddress'
import { sweepAddress } from '../sweeps/sweepAddress'
import { openPaths, pickAndOpen } from './openPaths'
import { openPalette } from './Palette'

/** Lets what the window is told take effect: stale answers are asked again, main's wishes are followed. */
export function EventBridge(): null {
  const [location, navigate] = useLocation()
  const here = useRef(location)
  here.current = location
  const { showHelp } = useShortcuts()
  useEffect(
    () =>
      onEvent((event) => {
        refreshAfter(event)
        if (event.type === 'navigate') navigate(event.to)
        if (event.type === 'run.finished') tellOfEnd(event, here.current, navigate)
        if (event.type === 'openPaths') void openPaths(event.paths, navigate)
        if (event.type === 'menu' && event.action === 'palette') openPalette()
        if (event.type === 'menu' && event.action === 'shortcuts') showHelp()
        if (event.type === 'menu' && event.action === 'openRecipe') void pickAndOpen('recipe', navigate)
      }),
    [navigate, showHelp]
  )
  return null
}

/** The pages of the run and of its sweep show it by themselves; everywhere else its end is said, with the way there. */
function tellOfEnd(
  { id, title, status, sentence, sweep }: WindowEventOf<'run.finished'>,
  location: string,
  navigate: (to: string) => void
): void {
  const address = runAddress(id)
  if (sweep !== undefined && location === sweepAddress(sweep)) return
  if (location === address || location.startsWith(`${address}/`)) return
  const color = status === 'completed' ? 'teal' : 'orange'
  const open = { label: 'Open the run', onClick: () => navigate(address) }
  notifyOffer(`${title} ${STATUS_SENTENCES[status]}`, sentence, open, color)
}
