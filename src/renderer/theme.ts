import { createTheme } from '@mantine/core'

/** Colours and spacing of the whole window; components take them from here. */
export const theme = createTheme({
  primaryColor: 'teal',
  fontFamily: 'system-ui, sans-serif',
  headings: { fontFamily: 'system-ui, sans-serif' }
})
