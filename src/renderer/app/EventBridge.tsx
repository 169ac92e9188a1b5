import { useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { WindowEventOf } from '../../shared/contract/events'
import { STATUS_SENTENCES, sweepEnded } from '../../shared/runWords'
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
        if (event.type === 'sweep.finished') tellOfSweep(event, here.current, navigate)
        if (event.type === 'openPaths') void openPaths(event.paths, navigate)
        if (event.type === 'menu' && event.action === 'palette') openPalette()
        if (event.type === 'menu' && event.action === 'shortcuts') showHelp()
        if (event.type === 'menu' && event.action === 'openRecipe') void pickAndOpen('recipe', navigate)
      }),
    [navigate, showHelp]
  )
  return null
}

/** The page of the run shows it by itself; everywhere else its end is said, with the way there, or with that of its sweep. */
function tellOfEnd(
  { id, title, status, sentence, sweep }: WindowEventOf<'run.finished'>,
  location: string,
  navigate: (to: string) => void
): void {
  const address = runAddress(id)
  if (sweep !== undefined) return
  if (location === address || location.startsWith(`${address}/`)) return
  const color = status === 'completed' ? 'teal' : 'orange'
  const open = { label: 'Open the run', onClick: () => navigate(address) }
  notifyOffer(`${title} ${STATUS_SENTENCES[status]}`, sentence, open, color)
}

function tellOfSweep(
  { id, name, complete, sentence }: WindowEventOf<'sweep.finished'>,
  location: string,
  navigate: (to: string) => void
): void {
  const address = sweepAddress(id)
  if (location === address) return
  const open = { label: 'Open the sweep', onClick: () => navigate(address) }
  notifyOffer(sweepEnded(name, complete), `${sentence}.`, open, complete ? 'teal' : 'orange')
}
