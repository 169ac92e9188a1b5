/** What a dialog that opens now leads back to: what has the focus; for an entry of a menu, which goes, the menu's button. */
export function openerOf(): HTMLElement | null {
  const focused = document.activeElement
  const button = focused?.closest('[role=menu]')?.getAttribute('aria-labelledby')
  const opener = typeof button === 'string' ? document.getElementById(button) : focused
  return opener instanceof HTMLElement ? opener : null
}
