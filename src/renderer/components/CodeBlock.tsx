import { Code } from '@mantine/core'

interface Props {
  readonly label: string
  readonly children: string
  /** Breaks long lines instead of scrolling sideways. */
  readonly wrap?: boolean
  readonly maxHeight?: number | string
}

/** Text as it is, framed so that it is told from the card that it lies on; it scrolls by keyboard too. */
export function CodeBlock({ label, children, wrap = false, maxHeight }: Props) {
  return (
    <Code
      block
      tabIndex={0}
      role="region"
      aria-label={label}
      style={{
        flex: 1,
        minWidth: 0,
        overflow: 'auto',
        background: 'var(--mantine-color-body)',
        border: '1px solid var(--mantine-color-default-border)',
        ...(maxHeight !== undefined && { maxHeight }),
        ...(wrap && { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' })
      }}
    >
      {children}
    </Code>
  )
}
