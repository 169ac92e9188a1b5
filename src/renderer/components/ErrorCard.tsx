import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link } from 'wouter'
import type { SerializedError } from '../../shared/errors'
import { CopyButton } from './CopyButton'
import { Sentence } from './Sentence'

/** Another page, and what its link says. */
export interface Elsewhere {
  readonly label: string
  readonly to: string
}

interface Props {
  /** What could not be done, as a heading: "The models could not be read". */
  readonly title: string
  readonly error: SerializedError
  readonly onRetry?: (() => void) | undefined
  /** The page to go to where trying again may not help. */
  readonly elsewhere?: Elsewhere | undefined
}

/** What happened, to which file, what to do; details folded, copyable. */
export function ErrorCard({ title, error, onRetry, elsewhere }: Props) {
  const [open, { toggle }] = useDisclosure(false)
  const details = `${error.code}: ${error.message}${error.stack === undefined ? '' : `\n${error.stack}`}`
  return (
    <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <Sentence>{error.message}</Sentence>
        </Text>
        <Group gap="xs">
          {onRetry && (
            <Button size="xs" onClick={onRetry}>
              Try again
            </Button>
          )}
          {elsewhere && (
            <Button size="xs" variant="default" component={Link} href={elsewhere.to}>
              {elsewhere.label}
            </Button>
          )}
          <CopyButton value={details} label="Copy details" />
          {error.stack !== undefined && (
            <Button size="xs" variant="subtle" onClick={toggle} aria-expanded={open}>
              {open ? 'Hide details' : 'Show details'}
            </Button>
          )}
        </Group>
        {open && <Code block>{details}</Code>}
      </Stack>
    </Alert>
  )
}
