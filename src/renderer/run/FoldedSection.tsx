import { Accordion, Text } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  readonly name: string
  readonly hint: string
  readonly children: ReactNode
}

/** A part of the page that is folded until it is wanted. */
export function FoldedSection({ name, hint, children }: Props) {
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>
        <Text span fw={600} mr="sm">
          {name}
        </Text>
        <Text span size="sm" c="dimmed">
          {hint}
        </Text>
      </Accordion.Control>
      <Accordion.Panel>{children}</Accordion.Panel>
    </Accordion.Item>
  )
}
