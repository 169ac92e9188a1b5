import { Stack, Text, ThemeIcon, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  readonly icon: ReactNode
  readonly title: string
  /** What belongs here, in one or two sentences. */
  readonly children: ReactNode
  /** The one action that fills it. */
  readonly action?: ReactNode
}

/** What a list shows while it is empty. */
export function EmptyState({ icon, title, children, action }: Props) {
  return (
    <Stack align="center" gap="sm" py={48} px="md" maw={520} mx="auto">
      <ThemeIcon size={52} radius="xl" variant="light" aria-hidden>
        {icon}
      </ThemeIcon>
      <Title order={2} size="h4" ta="center">
        {title}
      </Title>
      <Text c="dimmed" ta="center" size="sm">
        {children}
      </Text>
      {action}
    </Stack>
  )
}
