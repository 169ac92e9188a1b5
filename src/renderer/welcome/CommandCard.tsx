import { Card, Code, Stack, Text, Title } from '@mantine/core'
import type { Command } from './commands'

export function CommandCard({ title, description, line }: Readonly<Command>) {
  return (
    <Card withBorder component="section" aria-label={title}>
      <Stack gap="xs">
        <Title order={3} size="h5">
          {title}
        </Title>
        <Text size="sm">{description}</Text>
        <Code block bg="var(--mantine-color-default-hover)">
          {line}
        </Code>
      </Stack>
    </Card>
  )
}
