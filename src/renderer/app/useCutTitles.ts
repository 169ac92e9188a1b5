import { useEffect } from 'react'

/**
 * A choice that its field cuts off is shown whole where the pointer rests on it: names of models, sets and texts are longer
 * than any field.
 */
export function useCutTitles(): void {
  useEffect(() => {
    document.addEventListener('pointerover', showWhole)
    return () => document.removeEventListener('pointerover', showWhole)
  }, [])
}

/** The same for whatever field is under the pointer; those in which somebody writes are scrolled by writing. */
function showWhole({ target }: Event): void {
  if (!(target instanceof HTMLInputElement) || target.getAttribute('aria-haspopup') !== 'listbox') return
  const cut = target.scrollWidth > target.clientWidth
  if (cut) target.title = target.value
  else target.removeAttribute('title')
}
