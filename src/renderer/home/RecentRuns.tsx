import { Anchor, Group, Stack, Table, Text, Title } from '@mantine/core'
import { Link } from 'wouter'
import type { RunListEntry } from '../../shared/contract/runs'
import { modelName } from '../../shared/modelName'
import { useCall } from '../api/hooks'
import { archivedIds } from '../api/useProject'
import { RelativeTime } from '../components/RelativeTime'
import { RunStatusBadge } from '../runs/RunStatusBadge'
import { runAddress } from '../runs/runAddress'

const SHOWN = 5

/** The newest runs of all projects that are in use. */
export function RecentRuns() {
  const archived = archivedIds(useCall('projects.list', {}).data ?? [])
  const runs = (useCall('runs.list', {}).data ?? []).filter(({ project }) => !archived.has(project))
  return (
    <Stack gap="sm" component="section" aria-label="Recent runs">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Recent runs
        </Title>
        <Anchor component={Link} href="/runs" size="sm">
          All runs
        </Anchor>
      </Group>
      <Table.ScrollContainer minWidth={560}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Run</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Model</Table.Th>
              <Table.Th>Variants</Table.Th>
              <Table.Th>Made</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {runs.slice(0, SHOWN).map((run) => (
              <RecentRun key={run.id} run={run} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}

function RecentRun({ run: { id, title, status, model, variants, createdAtMs } }: { readonly run: RunListEntry }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={runAddress(id)} size="sm" style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <RunStatusBadge status={status} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere', minWidth: 130 }}>{modelName(model)}</Table.Td>
      <Table.Td className="num">{variants.length}</Table.Td>
      <Table.Td style={{ whiteSpace: 'nowrap' }}>
        <Text span size="sm" c="dimmed">
          <RelativeTime atMs={createdAtMs} />
        </Text>
      </Table.Td>
    </Table.Tr>
  )
}
