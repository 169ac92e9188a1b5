import { Alert, Button, Group, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlayerPlay } from '@tabler/icons-react'
import type { RunListEntry } from '../../shared/contract/runs'
import { plural } from '../format/numbers'
import { resumeRuns } from './queueActions'

/** Runs whose process died; they lost at most their present block. */
export function InterruptedNotice({ runs }: { readonly runs: readonly RunListEntry[] }) {
  if (runs.length === 0) return null
  const names = runs.slice(0, 3).map(({ title }) => title)
  const more = runs.length > names.length ? ` and ${plural(runs.length - names.length, 'other')}` : ''
  return (
    <Alert color="orange" variant="light" icon={<IconAlertTriangle aria-hidden />} role="status">
      <Group justify="space-between" wrap="nowrap" gap="md">
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {names.join(', ')}
          {more} {runs.length === 1 ? 'was' : 'were'} interrupted. Finished blocks are kept; the result will be the
          same.
        </Text>
        <Button
          size="xs"
          style={{ flexShrink: 0 }}
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          onClick={() => void resumeRuns(runs.map(({ id }) => id))}
        >
          {runs.length === 1 ? 'Resume it' : `Resume all ${runs.length}`}
        </Button>
      </Group>
    </Alert>
  )
}
