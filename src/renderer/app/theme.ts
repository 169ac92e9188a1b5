import { type CSSVariablesResolver, createTheme, Drawer, Modal, Notification, Tooltip } from '@mantine/core'
import { Spotlight } from '@mantine/spotlight'

/** The page keeps its scroll bar (global.css), so what opens over it must not make up for a bar that goes. */
const KEEPS_SCROLLBAR = { removeScrollProps: { removeScrollBar: false } } as const

/** The line with the title of what opens over the page is no second header of the page to those who hear it. */
const OVER_PAGE = { ...KEEPS_SCROLLBAR, attributes: { header: { role: 'presentation' } } } as const

/** Titles hold names that people gave, with or without a place to break. */
const LONG_TITLE = { title: { overflowWrap: 'anywhere', lineHeight: 1.35, paddingInlineEnd: 8 } } as const

/** Colours and spacing of the whole window; components take them from here. */
export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 9,
  fontFamily: 'system-ui, "Segoe UI", Cantarell, "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace',
  headings: { fontFamily: 'system-ui, "Segoe UI", Cantarell, "DejaVu Sans", sans-serif', fontWeight: '600' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  autoContrast: true,
  cursorType: 'pointer',
  components: {
    Drawer: Drawer.extend({ defaultProps: OVER_PAGE, styles: LONG_TITLE }),
    Modal: Modal.extend({ defaultProps: OVER_PAGE, styles: LONG_TITLE }),
    Spotlight: Spotlight.extend({ defaultProps: KEEPS_SCROLLBAR }),
    Notification: Notification.extend({
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close notification' },
        styles: { description: { color: 'var(--mantine-color-dimmed)' } }
      }
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { transitionProps: { duration: 100 }, openDelay: 200, withinPortal: true }
    })
  }
})

/** Words on a light tint of their own colour: badges, alerts, the page that is shown. */
const ON_LIGHT_TINT: Readonly<Record<string, string>> = {
  teal: '#05593f',
  orange: '#8f2f06',
  blue: '#12508f',
  red: '#a11919',
  yellow: '#7a4600',
  green: '#1f6b2e',
  gray: '#343a40'
}

const lightTints = Object.fromEntries(
  Object.entries(ON_LIGHT_TINT).map(([name, color]) => [`--mantine-color-${name}-light-color`, color])
)

/** A filled button grows darker under the pointer: Mantine would make it lighter, and white words on it too faint. */
const HOVER = { '--mantine-color-teal-filled-hover': '#06694a', '--mantine-primary-color-filled-hover': '#06694a' }

/** Dimmed text, placeholders, errors and words on tints stay above 4.5 : 1 on both backgrounds, which Mantine's own do not. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...HOVER,
    ...lightTints,
    '--mantine-color-dimmed': '#5c636a',
    '--mantine-color-placeholder': '#6b7280',
    '--mantine-color-error': '#c92a2a'
  },
  dark: {
    ...HOVER,
    '--mantine-color-dimmed': '#a6a7ab',
    '--mantine-color-placeholder': '#909296',
    '--mantine-color-error': '#ff8787'
  }
})
