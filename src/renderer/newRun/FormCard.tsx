import { Card, Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { TermName } from '../glossary/glossary'
import { Term } from '../glossary/Term'

interface Props {
  readonly title: string
  /** Explained by the heading. */
  readonly term?: TermName
  /** What was chosen, in a few words. */
  readonly summary?: ReactNode
  readonly children: ReactNode
}

/** One of the parts of the form. */
export function FormCard({ title, term, summary, children }: Props) {
  return (
    <Card withBorder component="section" aria-label={title} padding="md">
      <Stack gap="md">
        <Group justify="space-between" wrap="nowrap" align="baseline">
          <Title order={2} size="h4">
            {term === undefined ? title : <Term name={term}>{title}</Term>}
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
