import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { type ReactNode, useRef } from 'react'
import { useTitleInHeader } from './scrolledTitle'

interface Props {
  readonly title: string
  /** The question that the page answers, or its answer, in one line. */
  readonly subtitle?: ReactNode
  /** Buttons at the right of the title, below it where the window is narrow. */
  readonly actions?: ReactNode
  readonly children: ReactNode
  /** Fills the window's height, for pages whose list scrolls by itself. */
  readonly fill?: boolean
}

/** Title, one line of meaning, actions, and the page under them. */
export function PageFrame({ title, subtitle, actions, children, fill = false }: Props) {
  useDocumentTitle(title === 'Quail' ? title : `${title} – Quail`)
  const heading = useRef<HTMLHeadingElement>(null)
  useTitleInHeader(heading, title)
  return (
    <Stack gap="lg" h={fill ? 'calc(100dvh - var(--app-shell-header-height) - 2 * var(--app-shell-padding))' : 'auto'}>
      <Group justify="space-between" align="flex-start" gap="md">
        <Box style={{ minWidth: 0, flex: '1 1 420px' }}>
          <Title ref={heading} order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {subtitle !== undefined && (
            <Text c="dimmed" size="sm" component="div">
              {subtitle}
            </Text>
          )}
        </Box>
        {actions !== undefined && (
          <Group gap="xs" maw="100%">
            {actions}
          </Group>
        )}
      </Group>
      {children}
    </Stack>
  )
}
