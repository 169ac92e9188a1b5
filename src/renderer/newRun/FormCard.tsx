import { Card, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  readonly title: string
  /** What was chosen, in a few words. */
  readonly summary?: ReactNode
  readonly children: ReactNode
}

/** One of the parts of the form. */
export function FormCard({ title, summary, children }: Props) {
  return (
    <Card withBorder component="section" aria-label={title} padding="md">
      <Stack gap="md">
        <Group justify="space-between" wrap="nowrap" align="baseline">
          <Title order={2} size="h4">
            {title}
          </Title>
          <Text size="sm" c="dimmed" className="num" ta="right">
            {summary}
          </Text>
        </Group>
        {children}
      </Stack>
    </Card>
  )
}
