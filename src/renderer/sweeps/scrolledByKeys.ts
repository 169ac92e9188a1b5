/** Lets people without a pointer scroll a table that is wider than its place, and shows everybody that it can be scrolled. */
export const scrolledByKeys = (label: string) => ({
  type: 'auto' as const,
  offsetScrollbars: 'x' as const,
  viewportProps: { tabIndex: 0, role: 'region', 'aria-label': `${label}, scrolled sideways` }
})
