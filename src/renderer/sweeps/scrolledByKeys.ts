/** Lets people without a pointer scroll a table that is wider than its place. */
export const scrolledByKeys = (label: string) => ({
  viewportProps: { tabIndex: 0, role: 'region', 'aria-label': `${label}, scrolled sideways` }
})
