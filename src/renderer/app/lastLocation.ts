const KEY = 'quail.location'

/** Opens the window where it was left, unless it was opened at an address. */
export function restoreLocation(): void {
  const last = localStorage.getItem(KEY)
  if (window.location.hash === '') window.location.replace(last?.startsWith('#/') ? last : '#/')
  window.addEventListener('hashchange', () => localStorage.setItem(KEY, window.location.hash))
}
