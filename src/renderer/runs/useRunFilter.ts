import { useEffect, useRef, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import { filterAddress, parseFilter, type RunFilter } from './runFilter'

/** The address follows when typing pauses. */
const PAUSE_MS = 250

/**
 * The filter of the page. It is kept here, where typing is answered at once, and in the address, which others may change
 * too: a link to a project, Back and Forward.
 */
export function useRunFilter(): readonly [RunFilter, (change: Partial<RunFilter>) => void] {
  const [, navigate] = useLocation()
  const query = useSearch()
  const [filter, setFilter] = useState(() => parseFilter(query))
  const given = filterAddress(parseFilter(query))
  const known = useRef(given)
  useEffect(() => {
    if (given === known.current) return
    known.current = given
    setFilter(parseFilter(query))
  }, [given, query])
  const address = filterAddress(filter)
  useEffect(() => {
    const timer = setTimeout(() => {
      if (address === known.current) return
      known.current = address
      navigate(address, { replace: true })
    }, PAUSE_MS)
    return () => clearTimeout(timer)
  }, [address, navigate])
  return [filter, (change) => setFilter((now) => ({ ...now, ...change }))]
}
