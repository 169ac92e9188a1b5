import { type CSSVariablesResolver, createTheme, Tooltip } from '@mantine/core'

/** Colours and spacing of the whole window; components take them from here. */
export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: { light: 8, dark: 7 },
  fontFamily: 'system-ui, "Segoe UI", Cantarell, "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace',
  headings: { fontFamily: 'system-ui, "Segoe UI", Cantarell, "DejaVu Sans", sans-serif', fontWeight: '600' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  autoContrast: true,
  cursorType: 'pointer',
  components: {
    Tooltip: Tooltip.extend({
      defaultProps: { transitionProps: { duration: 100 }, openDelay: 200, withinPortal: true }
    })
  }
})

/** Dimmed text and placeholders stay above 4.5 : 1 on both backgrounds, which Mantine's own do not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-dimmed': '#5c636a', '--mantine-color-placeholder': '#6b7280' },
  dark: { '--mantine-color-dimmed': '#a6a7ab', '--mantine-color-placeholder': '#909296' }
})
