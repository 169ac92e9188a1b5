import { useSyncExternalStore } from 'react'

/*
 * Addresses live behind the # of the page's URL, query and all: `#/compare?runs=a,b`. A packaged page is a file, which
 * has no other paths; and one string is enough to come back after a restart.
 */

function subscribe(changed: () => void): () => void {
  window.addEventListener('hashchange', changed)
  return () => window.removeEventListener('hashchange', changed)
}

const present = (): string => window.location.hash.slice(1) || '/'
const pathOf = (address: string): string => address.split('?')[0] || '/'
const searchOf = (address: string): string => address.slice(pathOf(address).length).replace(/^\?/, '')

/** wouter decodes what it is given with `decodeURI`, which is not the reverse of how names are written: it gets the address as it is. */
const asItIs = (part: string): string => part.replaceAll('%', '%25')

/** Goes to an address; `replace` leaves no entry in the history. */
export function navigate(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (replace) window.location.replace(`#${to}`)
  else window.location.hash = to
}

/** wouter's location: the path of the present address, and how to go to another. */
export function useHashLocation(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, () => asItIs(pathOf(present()))), navigate]
}

useHashLocation.searchHook = (): string => useSyncExternalStore(subscribe, () => asItIs(searchOf(present())))
useHashLocation.hrefs = (href: string): string => `#${href}`
